/** A manifest is some ten levels deep. */
const most = 64;

/**
 * Whether a YAML text may be nested too deeply for the parser, which recurses: `yaml` 2.9 reports most of that as an
 * error, but some thousand nested explicit keys (`? ? ? ...`) end the process inside V8's regular expressions. The
 * answer is cautious: it counts brackets in quotes too.
 */
export function mayBeTooDeep(text: string): boolean {
  if (/^[ \t]{200}/m.test(text)) return true;
  if (new RegExp(`(?:[?:-][ \\t]+){${most}}`).test(text)) return true;
  let open = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    open += bracket === '[' || bracket === '{' ? 1 : -1;
    if (open > most) return true;
  }
  return false;
}

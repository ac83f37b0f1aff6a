/** Markup that is safe to put into a page: made by {@link html} alone. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = Html | string | number | null | undefined | false | readonly Part[];

/**
 * A piece of a page. What is put into it is text, whoever wrote it (names and C come from others), unless it is a piece
 * of a page itself; nothing, `false` and lists of parts are possible.
 *
 * @example
 * ```ts
 * html`<b>${'a < b'}</b>`.text; // '<b>a &lt; b</b>'
 * ```
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((text, string, i) => text + markup(parts[i - 1]) + string));
}

function markup(part: Part): string {
  if (part instanceof Html) return part.text;
  if (Array.isArray(part)) return (part as readonly Part[]).map(markup).join('');
  return part === null || part === undefined || part === false ? '' : escaped(String(part as string));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Control characters, which no page may hold and no reader wants, are shown as the replacement character. */
function escaped(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  return text.replace(/[\0-\x08\x0b-\x1f\x7f]/g, '\ufffd').replace(/[&<>"']/g, (each) => entities[each]!);
}

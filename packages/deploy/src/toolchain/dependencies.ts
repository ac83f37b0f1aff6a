/**
 * The files that a dependency file (`clang -MD`) names: the source first, then every header, system headers included.
 * Its form is that of a make rule: `target: file file \` with spaces and `#` in names escaped by a backslash, `$` as
 * `$$`.
 *
 * @example
 * ```ts
 * parseDependencies('x.o: src/x.c \\\n  include/a\\ b.h\n'); // ['src/x.c', 'include/a b.h']
 * ```
 */
export function parseDependencies(text: string): string[] {
  const rule = text.replaceAll(/\\\r?\n/g, ' ');
  const colon = rule.indexOf(': ');
  if (colon < 0) return [];
  const names = rule.slice(colon + 2).match(/(?:\\[ #\\]|\$\$|[^\s])+/g) ?? [];
  return [...new Set(names.map((name) => name.replaceAll(/\\([ #\\])/g, '$1').replaceAll('$$', '$')))];
}

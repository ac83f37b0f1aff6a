/** The id of a part of the page: letters that need no escaping in a link, and never the same for two names. */
export function anchor(kind: string, name: string): string {
  return `${kind}-${name.replace(/[^A-Za-z0-9_.]/g, (each) => `-${each.codePointAt(0)!.toString(16)}-`)}`;
}

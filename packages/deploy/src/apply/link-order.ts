import { namedBy, type LinkEntry } from '../manifest';

/** The ids of attachments, each behind those that it names as its neighbours; else in the order given. */
export function inAttachOrder(
  ids: readonly string[],
  entryOf: (id: string) => LinkEntry | undefined,
): string[] {
  const order = new Set<string>();
  const visit = (id: string): void => {
    if (order.has(id)) return;
    const entry = entryOf(id);
    // The manifest was checked: no two wait for each other.
    for (const anchor of entry === undefined ? [] : namedBy(entry, 'link')) visit(anchor);
    order.add(id);
  };
  for (const id of ids) visit(id);
  const given = new Set(ids);
  return [...order].filter((id) => given.has(id));
}

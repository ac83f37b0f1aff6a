import { type AttachEntry } from './config';
import { hookNames, hooks, type Hook } from './hooks';

/** An attachment as merged: perhaps without a hook, or with several. */
export interface WrittenAttachment {
  readonly id: string;
  readonly optional: boolean;
  readonly netns?: string;
  readonly [hook: string]: unknown;
}

/** The attachments of a program, sorted by id; each has one hook, with the options that it needs. */
export function resolveAttachments(
  written: Readonly<Record<string, WrittenAttachment>>,
  problem: (id: string, text: string) => void,
): AttachEntry[] {
  // A list is only left where it is empty.
  const ids = Array.isArray(written) ? [] : Object.keys(written).sort();
  return ids.flatMap((id) => {
    const entry = written[id]!;
    const named = hookNames.filter((name) => entry[name] !== undefined);
    const [hook] = named;
    if (hook === undefined || named.length > 1) {
      const found = hook === undefined ? 'no hook' : named.join(' and ');
      const hint = hook === undefined ? '' : '; null removes one that comes from elsewhere';
      problem(id, `found ${found}, expected exactly one of ${hookNames.join(', ')}${hint}`);
      return [];
    }
    const options = entry[hook] as Readonly<Record<string, string>>;
    const { keys }: Hook = hooks[hook];
    for (const [key, { required, about }] of Object.entries(keys)) {
      if (required && options[key] === undefined) problem(id, `${hook}.${key} is missing: ${about}`);
    }
    // The options were checked against the same table by the schema; here is where they get the table's types.
    return [
      { id, optional: entry.optional, netns: entry.netns ?? null, hook, options } as unknown as AttachEntry,
    ];
  });
}

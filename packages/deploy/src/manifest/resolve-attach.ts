import { type AttachEntry, type LinkEntry } from './config';
import { hookNames, hooks, type HookOptions } from './hooks';

/** An attachment as merged: perhaps without a hook, or with several. */
export interface WrittenAttachment {
  readonly id: string;
  readonly optional: boolean;
  readonly replace: 'make-before-break' | 'gap';
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
      problem(
        id,
        hook === undefined
          ? `found no hook, expected one of ${[...hookNames].sort().join(', ')}`
          : `found ${named.join(' and ')}, expected one hook; null removes one that comes from elsewhere`,
      );
      return [];
    }
    const options = entry[hook] as HookOptions;
    const { keys, inNetns } = hooks[hook]!;
    for (const [key, { required, about }] of Object.entries(keys)) {
      if (required && options[key] === undefined) problem(id, `${hook}.${key} is missing: ${about}`);
    }
    if (entry.netns !== undefined && !inNetns) {
      problem(id, `netns says nothing here: ${hook} is not in a network namespace`);
    }
    const { optional, replace, netns = null } = entry;
    return [{ id, optional, replace, netns, hook, options }];
  });
}

/** The maps, programs or attachments of the project that an attachment's options name; pins are left out. */
export function namedBy({ hook, options }: LinkEntry, kind: 'map' | 'program' | 'link'): string[] {
  if (hook === 'struct_ops') return [];
  return Object.entries(hooks[hook]!.keys)
    .filter(([key, { type }]) => type === kind && options[key] !== undefined)
    .map(([key]) => String(options[key]))
    .filter((value) => !value.startsWith('/'));
}

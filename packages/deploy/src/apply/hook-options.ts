import { BpfError, Link, type OptionType } from '@nx-bpf/loader';
import { hooks, type AttachEntry, type OptionValue } from '../manifest';
import { type Undo } from './undo';

/** The maps, programs and links of a project, as an option of an attachment names them. */
export interface References {
  readonly map: (name: string) => { readonly fd: number } | undefined;
  readonly program: (name: string) => { readonly fd: number } | undefined;
  readonly link: (id: string) => Link | undefined;
}

/**
 * An attachment's options as the loader takes them: 64-bit numbers as bigints, and for a name what it stands for.
 *
 * @param undo owns what is opened for it
 * @throws BpfError ATTACH_FAILED for a name that nothing has, PIN_NOT_FOUND
 */
export function hookOptions(entry: AttachEntry, references: References, undo: Undo): Record<string, unknown> {
  const { keys } = hooks[entry.hook]!;
  const options = Object.entries(entry.options).map(([key, value]) => {
    const handle = (kind: 'map' | 'program' | 'link', name: string): unknown => {
      if (name.startsWith('/')) return kind === 'link' ? openLink(name, undo) : name;
      const found = references[kind](name);
      if (found !== undefined) return found;
      throw new BpfError('ATTACH_FAILED', `attachment '${entry.id}': ${key}: no ${kind} '${name}' is there`, {
        symbol: name,
        expected: `a ${kind} that a program of this project uses, or the path of a pin`,
      });
    };
    return [key, optionValue(keys[key]!.type, value, handle)];
  });
  return { ...Object.fromEntries(options), netns: entry.netns ?? undefined };
}

function optionValue(
  type: OptionType,
  value: OptionValue,
  handle: (kind: 'map' | 'program' | 'link', name: string) => unknown,
): unknown {
  if (type === 'u64') return BigInt(value as string | number);
  if (type === 'map' || type === 'program' || type === 'link') return handle(type, String(value));
  const isList = typeof type === 'object' && 'list' in type;
  return isList && type.list === 'u64' ? (value as readonly (string | number)[]).map(BigInt) : value;
}

function openLink(pin: string, undo: Undo): Link {
  const link = Link.open(pin);
  undo.own(`link at ${pin}`, link);
  return link;
}

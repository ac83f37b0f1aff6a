import { hooks as hookTable, type HookName, type HookOption } from '@nx-bpf/loader';
import { type Path } from './located';

/**
 * Why an attachment cannot say a hook or an option that the loader has, and what to do: it is no misspelling.
 *
 * @param path of what holds the key
 * @returns undefined for other keys
 */
export function onlyInPrograms(path: Path, key: string): string | undefined {
  const at = path.findLastIndex((step) => step === 'attach');
  if (at === -1 || typeof path[at + 1] !== 'number') return undefined;
  const inside = path.slice(at + 2);
  if (inside.length === 0) return hookReason(key);
  return inside.length === 1 ? optionReason(String(inside[0]), key) : undefined;
}

function hookReason(name: string): string | undefined {
  if (name === 'struct_ops')
    return 'struct_ops attaches a variable, not a program: name it under structOps, beside programs';
  if (!isHook(name)) return undefined;
  const options = Object.values<HookOption>(hookTable[name].options);
  return options.some(({ type, required }) => type === 'socket' && required === true)
    ? `${name} takes a socket that is open, which a file cannot name: attach it from TypeScript, with ${functionOf(name)}() of @nx-bpf/loader, in the process that has the socket`
    : `a deployment cannot hold ${name}: attach it from TypeScript, with ${functionOf(name)}() of @nx-bpf/loader`;
}

function optionReason(name: string, key: string): string | undefined {
  const options: Readonly<Record<string, HookOption>> = isHook(name) ? hookTable[name].options : {};
  const option = Object.hasOwn(options, key) ? options[key]! : undefined;
  if (option === undefined) return undefined;
  if (option.type === 'netns') return `netns is said beside ${name}, not in it`;
  return `it means something only to a running process, not to a file: ${functionOf(name as HookName)}() of @nx-bpf/loader takes it`;
}

function isHook(name: string): name is HookName {
  return Object.hasOwn(hookTable, name);
}

/** Name of the loader's function of a hook. */
function functionOf(hook: HookName): string {
  return hookTable[hook].attach.name;
}

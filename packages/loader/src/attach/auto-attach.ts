import { type Attachment } from './attachment';
import { attach, hooks } from './hooks';
import { type AttachableProgram } from './program';
import { sectionHook } from './section-hooks';

/** Iterators over the elements of a map, which no section name can say. */
const iteratorsOfMaps: readonly string[] = ['bpf_map_elem', 'bpf_sk_storage_map'];

/**
 * Attach a program to the place that its section name says: `kprobe/do_unlinkat`, `tp/sched/sched_switch`,
 * `lsm/file_open`, ...
 *
 * @returns undefined where it says none: bare `kprobe`, and every hook that needs an interface, a cgroup, a map or the
 *   like
 * @throws BpfError as the hook's own function does
 *
 * @example
 * ```ts
 * const link = autoAttach(program);
 * if (link === undefined) console.log(`${program.name}: its section does not say where`);
 * ```
 */
export function autoAttach(program: AttachableProgram): Attachment | undefined {
  const hook = program.section === undefined ? undefined : sectionHook(program.section);
  if (hook === undefined || program.target === undefined) return undefined;
  if (!hooks[hook].programTypes.includes(program.type)) return undefined;
  if (hook === 'iter' && iteratorsOfMaps.includes(program.target)) return undefined;
  return attach(program, hook, {});
}

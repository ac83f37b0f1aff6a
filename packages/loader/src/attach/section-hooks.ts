import { type HookName } from './hook-options';

/**
 * The hook of a program by the first part of its section name, for the section names that can say the whole place:
 * each hook's function reads the rest (`/do_unlinkat+0x10`) where its options leave the place out. Source: libbpf's
 * table of section definitions ("Program Types and ELF Sections" of its documentation).
 */
export const sectionHooks: ReadonlyMap<string, HookName> = new Map<string, HookName>([
  ['kprobe', 'kprobe'],
  ['kretprobe', 'kretprobe'],
  ['kprobe.multi', 'kprobe_multi'],
  ['kretprobe.multi', 'kretprobe_multi'],
  ['kprobe.session', 'kprobe_session'],
  ['ksyscall', 'ksyscall'],
  ['kretsyscall', 'kretsyscall'],
  ['uprobe', 'uprobe'],
  ['uprobe.s', 'uprobe'],
  ['uretprobe', 'uretprobe'],
  ['uretprobe.s', 'uretprobe'],
  ['uprobe.multi', 'uprobe_multi'],
  ['uprobe.multi.s', 'uprobe_multi'],
  ['uretprobe.multi', 'uretprobe_multi'],
  ['uretprobe.multi.s', 'uretprobe_multi'],
  ['uprobe.session', 'uprobe_session'],
  ['usdt', 'usdt'],
  ['usdt.s', 'usdt'],
  ['uprobe.session.s', 'uprobe_session'],
  ['tracepoint', 'tracepoint'],
  ['tp', 'tracepoint'],
  ['tracepoint.s', 'tracepoint'],
  ['tp.s', 'tracepoint'],
  ['raw_tracepoint', 'raw_tracepoint'],
  ['raw_tp', 'raw_tracepoint'],
  ['raw_tracepoint.s', 'raw_tracepoint'],
  ['raw_tp.s', 'raw_tracepoint'],
  ['raw_tracepoint.w', 'raw_tracepoint'],
  ['raw_tp.w', 'raw_tracepoint'],
  ['tp_btf', 'tp_btf'],
  ['tp_btf.s', 'tp_btf'],
  ['fentry', 'fentry'],
  ['fentry.s', 'fentry'],
  ['fexit', 'fexit'],
  ['fexit.s', 'fexit'],
  ['fmod_ret', 'fmod_ret'],
  ['fmod_ret.s', 'fmod_ret'],
  ['freplace', 'freplace'],
  ['lsm', 'lsm'],
  ['lsm.s', 'lsm'],
  ['iter', 'iter'],
  ['iter.s', 'iter'],
]);

/** The hook that a section name stands for; undefined for those whose place it cannot say, such as `xdp`. */
export function sectionHook(section: string): HookName | undefined {
  return sectionHooks.get(section.split('/', 1)[0]!);
}

/** How section names of a hook's programs begin: `kprobe.multi` for kprobe_multi. */
export function sectionOf(hook: string): string {
  return [...sectionHooks].find(([, name]) => name === hook)?.[0] ?? hook;
}

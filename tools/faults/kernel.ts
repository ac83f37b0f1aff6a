/** What the faults need of the loader's insides. */
import {
  allIds,
  btfInfo,
  linkInfo,
  mapInfo,
  programInfo,
  type ObjectKind,
} from '../../packages/loader/src/kernel';

export { Command } from '../../packages/loader/src/kernel/commands';
export { Errno } from '../../packages/loader/src/kernel/errno';
export { native } from '../../packages/loader/src/kernel/native';

const kinds: readonly ObjectKind[] = ['program', 'map', 'link', 'btf'];

/** `map 17`, of what a command of bpf(2) has just made; notes of attachments without a link are told apart. */
export function infoId(command: string, fd: number): string {
  switch (command) {
    case 'BPF_MAP_CREATE':
      return `map ${mapInfo(fd).id}${mapInfo(fd).name === 'nxbpf_attached' ? ' note' : ''}`;
    case 'BPF_PROG_LOAD':
      return `program ${programInfo(fd).id}`;
    case 'BPF_BTF_LOAD':
      return `btf ${btfInfo(fd).id}`;
    default:
      return `link ${linkInfo(fd).id}`;
  }
}

/** What there is on this machine, as `map 17`. */
export function everything(): Set<string> {
  return new Set(kinds.flatMap((kind) => [...allIds(kind)].map((id) => `${kind} ${id}`)));
}

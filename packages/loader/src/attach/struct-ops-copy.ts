import { type Btf, BtfKind } from '../btf';
import { BpfError } from '../errors';
import { closeAll, failure, Fd, fdById, mapCreate, mapInfo, mapLookup, runningKernel } from '../kernel';

/** `enum bpf_struct_ops_state` of include/linux/bpf.h, in its order. */
const states = ['unset', 'registered', 'unregistered', 'ready'] as const;

/** `ready`: of `.struct_ops.link`, whose value was written. */
export type StructOpsState = (typeof states)[number];

/** `struct bpf_struct_ops_common_value`: a reference count, then the state. */
const stateOffset = 4;
const commonBytes = 8;

const key = new Uint8Array(4);

/**
 * What became of the map of a struct_ops. One of `.struct_ops` that was unregistered cannot be registered again: see
 * `copyStructOps`.
 *
 * @throws BpfError SYSCALL_FAILED
 *
 * @example
 * ```ts
 * const congestion = loadFile('congestion.bpf.o');
 * structOpsState(congestion.map('plain')); // 'unset'
 * congestion.attachStructOps('plain');
 * structOpsState(congestion.map('plain')); // 'registered'
 * congestion.close();
 * ```
 */
export function structOpsState(map: { readonly fd: number }): StructOpsState {
  const value = readValue(map.fd);
  return states[new DataView(value.buffer).getUint32(stateOffset, true)] ?? 'unregistered';
}

function readValue(fd: number): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(mapInfo(fd).valueSize);
  mapLookup(fd, key, value);
  return value;
}

/** A new map of a struct_ops, not yet registered; closing it lets its programs go, too. */
export interface StructOpsCopy {
  readonly fd: Fd;
  readonly name: string;
  /** What registers it. */
  readonly value: Uint8Array;
  close(): void;
}

/**
 * A new map with the programs and numbers of one of `.struct_ops` that was registered: the kernel registers a map once,
 * so what was unregistered comes back as a copy. Opens programs and types by their ids, which takes CAP_SYS_ADMIN.
 *
 * @throws BpfError PRIVILEGE_MISSING, MAP_CREATE_FAILED, PROGRAM_NOT_FOUND for one that was never registered
 *
 * @example
 * ```ts
 * const congestion = loadFile('congestion.bpf.o');
 * congestion.attachStructOps('plain').detach();
 * const copy = copyStructOps({ fd: congestion.map('plain').fd, name: 'plain' });
 * const again = attachStructOps({ fd: copy.fd.number, name: copy.name, value: copy.value });
 * again.detach();
 * copy.close();
 * congestion.close();
 * ```
 */
export function copyStructOps({ fd, name }: { readonly fd: number; readonly name: string }): StructOpsCopy {
  const info = mapInfo(fd);
  const value = readValue(fd);
  value.fill(0, 0, commonBytes);
  const opened: Fd[] = [];
  const open = (kind: 'program' | 'btf', id: number): number => {
    const number = fdById(kind, id);
    if (number === undefined)
      throw new BpfError('PROGRAM_NOT_FOUND', `struct_ops '${name}': its ${kind} with id ${id} is gone`, {
        map: name,
      });
    opened.push(new Fd(number, `${kind} ${id}`));
    return number;
  };
  try {
    const view = new DataView(value.buffer);
    for (const offset of programOffsets(info.vmlinuxValueTypeId)) {
      // The kernel shows the id of the program where its fd was written (bpf_struct_ops_map_update_elem()).
      const id = Number(view.getBigUint64(offset, true));
      if (id !== 0) view.setBigUint64(offset, BigInt(open('program', id)), true);
    }
    if (opened.length === 0)
      throw new BpfError('PROGRAM_NOT_FOUND', `struct_ops '${name}' holds no programs`, {
        map: name,
        hint: 'it was never registered: load its object again',
      });
    const result = mapCreate({
      map_type: info.type,
      key_size: info.keySize,
      value_size: info.valueSize,
      max_entries: info.maxEntries,
      map_flags: info.flags,
      map_name: info.name,
      btf_fd: open('btf', info.btfId),
      btf_vmlinux_value_type_id: info.vmlinuxValueTypeId,
    });
    if (result < 0)
      throw failure(`struct_ops '${name}': BPF_MAP_CREATE of a copy`, result, {
        code: 'MAP_CREATE_FAILED',
        map: name,
        needs: ['CAP_BPF'],
      });
    const copy = new Fd(result, `struct_ops '${name}'`);
    return { fd: copy, name, value, close: () => closeAll([copy, ...opened]) };
  } catch (error) {
    closeAll(opened);
    throw error;
  }
}

/** Where programs are in the value of a struct_ops: members of the kernel's struct that are function pointers. */
function programOffsets(valueType: number): number[] {
  const btf = runningKernel().btf();
  return members(btf, valueType)
    .filter(({ type }) => btf.kind(type) === BtfKind.STRUCT)
    .flatMap((struct) =>
      members(btf, struct.type)
        .filter(({ type }) => isFunctionPointer(btf, type))
        .map(({ offset }) => struct.offset + offset),
    );
}

function members(btf: Btf, struct: number): { readonly type: number; readonly offset: number }[] {
  return Array.from({ length: btf.vlen(struct) }, (_, i) => ({
    type: btf.resolve(btf.memberType(struct, i)),
    offset: btf.memberBitOffset(struct, i) / 8,
  }));
}

function isFunctionPointer(btf: Btf, type: number): boolean {
  return btf.kind(type) === BtfKind.PTR && btf.kind(btf.resolve(btf.type(type))) === BtfKind.FUNC_PROTO;
}

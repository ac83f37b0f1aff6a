import { readFileSync } from 'node:fs';
import { Btf } from '../../packages/loader/src/btf';
import {
  btfBytes,
  mapInfo,
  possibleCpus,
  programCode,
  programInfo,
  withObject,
  type MapInfo,
  type ProgramCode,
} from '../../packages/loader/src/kernel';
import { mapContents, type Names } from './contents';
import { type Json } from './difference';
import { type Handles } from './handles';
import { instructionLines } from './instructions';
import { typeShape } from './type-shape';

export interface SnapshotOptions {
  /** Bits of `map_flags` that are left out: what two versions of a loader decide differently. */
  readonly ignoredMapFlags?: number;
}

/**
 * What the kernel holds of one object, as plain values in which no id, address or order of loading remains: two
 * loaders did the same if their snapshots are equal.
 *
 * @example
 * ```ts
 * difference(snapshot(peer), snapshot(ours)); // [] where they agree
 * ```
 */
export function snapshot(
  handles: Handles,
  { ignoredMapFlags = 0 }: SnapshotOptions = {},
): { programs: Record<string, Json>; maps: Record<string, Json> } {
  const names = namesById(handles);
  const btfs = new BtfCache();
  return {
    programs: eachOf(handles.programs, (fd) => programSnapshot(fd, names, btfs)),
    maps: eachOf(handles.maps, (fd) => mapSnapshot(fd, names, btfs, ignoredMapFlags)),
  };
}

/** Elements of every map that can be walked: what a program that ran has left behind. */
export function contentsSnapshot(handles: Handles): Record<string, Json> {
  const names = namesById(handles);
  return eachOf(handles.maps, (fd) => mapContents(fd, mapInfo(fd), names, possibleCpus()));
}

function programSnapshot(fd: number, names: Names, btfs: BtfCache): Json {
  const info = programInfo(fd);
  const code = programCode(fd);
  const btf = btfs.get(info.btfId);
  return {
    kernelName: info.name,
    type: info.type,
    tag: info.tag,
    gplCompatible: info.gplCompatible,
    ifindex: info.ifindex,
    attachBtfId: info.attachBtfId,
    maps: info.mapIds.map(names.map).sort(),
    instructions: instructionLines(code.instructions, names.map),
    functions: btf === undefined ? [] : functionLines(btf, code),
    lines: btf === undefined ? [] : sourceLines(btf, code),
  };
}

function mapSnapshot(fd: number, names: Names, btfs: BtfCache, ignoredFlags: number): Json {
  const info = mapInfo(fd);
  return {
    kernelName: info.name,
    type: info.type,
    keySize: info.keySize,
    valueSize: info.valueSize,
    maxEntries: info.maxEntries,
    flags: info.flags & ~ignoredFlags,
    mapExtra: info.mapExtra.toString(),
    ifindex: info.ifindex,
    frozen: isFrozen(fd),
    ...typesOf(info, btfs.get(info.btfId)),
    contents: mapContents(fd, info, names, possibleCpus()),
  };
}

function typesOf(info: MapInfo, btf: Btf | undefined): { key: Json; value: Json } {
  const shape = (id: number) => (btf === undefined || id === 0 ? null : typeShape(btf, id));
  return { key: shape(info.keyTypeId), value: shape(info.valueTypeId) };
}

/** `struct bpf_func_info`: where each function starts, and which it is. */
function functionLines(btf: Btf, { funcInfo, funcInfoSize }: ProgramCode): string[] {
  return records(funcInfo, funcInfoSize).map(([insn, type]) => `${insn} ${btf.name(type!)}`);
}

/** `struct bpf_line_info`: which line of C each instruction comes from. */
function sourceLines(btf: Btf, { lineInfo, lineInfoSize }: ProgramCode): string[] {
  return records(lineInfo, lineInfoSize).map(
    ([insn, file, , position]) => `${insn} ${btf.string(file!)}:${position! >>> 10}:${position! & 0x3ff}`,
  );
}

function records(bytes: Uint8Array, size: number): number[][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = size === 0 ? 0 : bytes.byteLength / size;
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length: size / 4 }, (_, word) => view.getUint32(i * size + word * 4, true)),
  );
}

/** The info of a map does not say so; the fd's description under /proc does. */
function isFrozen(fd: number): boolean {
  return /^frozen:\s*1$/m.test(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'));
}

function namesById({ programs, maps }: Handles): Names {
  const programNames = new Map([...programs].map(([name, fd]) => [programInfo(fd).id, name]));
  const mapNames = new Map([...maps].map(([name, fd]) => [mapInfo(fd).id, name]));
  return {
    program: (id) => programNames.get(id) ?? 'of another object',
    map: (id) => mapNames.get(id) ?? 'of another object',
  };
}

/** The BTF objects that programs and maps refer to: mostly one and the same, read once. */
class BtfCache {
  private readonly known = new Map<number, Btf | undefined>();

  get(id: number): Btf | undefined {
    if (id === 0) return undefined;
    if (!this.known.has(id)) {
      this.known.set(
        id,
        withObject('btf', id, (fd) => Btf.parse(btfBytes(fd), { trusted: true })),
      );
    }
    return this.known.get(id);
  }
}

function eachOf(handles: ReadonlyMap<string, number>, look: (fd: number) => Json): Record<string, Json> {
  return Object.fromEntries([...handles].map(([name, fd]) => [name, look(fd)]));
}

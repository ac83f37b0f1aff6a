import { createHash } from 'node:crypto';
import { isLdImm64, PSEUDO_MAP_FD, PSEUDO_MAP_VALUE, setImm, slotCount, src } from '../asm';
import { type Btf, typeLayout } from '../btf';
import { type MapSpec } from '../object';
import { RELOCATED_VERSION } from './encode';
import { type RelocatedObject } from './relocated';

/**
 * The five digests by which deployments are compared, all SHA-256 in hexadecimal. Each answers one question: is it
 * the same file, the same code, the same relocation, the same constants, a map that data may stay in.
 */

/**
 * Of an object file's bytes.
 *
 * @example
 * ```ts
 * objectDigest(new Uint8Array()); // 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
 * ```
 */
export function objectDigest(bytes: Uint8Array): string {
  return sha256(bytes);
}

/**
 * Of a program's instructions: linked, relocated, map fds zeroed. Unlike the kernel's tag it sees the offsets of
 * variables, so two programs that differ in the variable they read are different.
 *
 * @param instructions canonical; left as they are. Map fds may be in them or not
 *
 * @example
 * ```ts
 * instructionsDigest(relocated.programs[0]!.instructions).length; // 64
 * ```
 */
export function instructionsDigest(instructions: Uint8Array): string {
  const plain = instructions.slice();
  const count = slotCount(plain);
  for (let i = 0; i + 1 < count; i++) {
    if (!isLdImm64(plain, i)) continue;
    const source = src(plain, i);
    if (source === PSEUDO_MAP_FD || source === PSEUDO_MAP_VALUE) setImm(plain, i, 0);
    i++;
  }
  return sha256(plain);
}

/** Everything that a relocation result depends on. */
export interface RelocationInputs {
  /** `objectDigest` of the file. */
  readonly object: string;
  /** Identity of the kernel's types: the GNU build id of `/sys/kernel/notes`, or a digest of a BTF file. */
  readonly kernel: string;
  /** Identities of module BTFs, by module, as far as they may be used. */
  readonly modules?: Readonly<Record<string, string>> | undefined;
  /** The wanted programs; undefined: those loaded by default. */
  readonly programs?: readonly string[] | undefined;
  /** Values of the kernel's configuration and virtual externs, where the object uses any. */
  readonly kconfig?: Readonly<Record<string, string>> | undefined;
}

/**
 * Of what goes into a relocation: the key of the relocation cache. Order of programs and keys does not count.
 *
 * @example
 * ```ts
 * const inputs = { object: objectDigest(bytes), kernel: 'e4f18d9dc1d0e6fc2b17e93e885a647b3c0a6fc1' };
 * const all = relocationInputsDigest(inputs);
 * relocationInputsDigest({ ...inputs, programs: ['edge_guard'] }) === all; // false
 * ```
 */
export function relocationInputsDigest(inputs: RelocationInputs): string {
  const sorted = (values: Readonly<Record<string, string>> = {}): [string, string][] =>
    Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  return digestOf([
    RELOCATED_VERSION,
    inputs.object,
    inputs.kernel,
    sorted(inputs.modules),
    inputs.programs === undefined ? null : [...inputs.programs].sort(),
    sorted(inputs.kconfig),
  ]);
}

/**
 * Of what an object's data sections start with, kconfig values included. Overridden constants change it.
 *
 * @example
 * ```ts
 * const sampled = withConstants(relocated, { sample_rate: 100 });
 * constantsDigest(sampled) === constantsDigest(relocated); // false
 * ```
 */
export function constantsDigest(relocated: RelocatedObject): string {
  const sections = relocated.maps.filter(
    ({ origin }) => origin === 'data' || origin === 'kconfig' || origin === 'arena',
  );
  return digestOf(
    sections.map(({ name, valueSize, data }) => [name, valueSize, data === undefined ? null : sha256(data)]),
  );
}

/**
 * Of a map's definition: what has to be the same for programs of two versions to use one map. With BTF, the layout of
 * key and value counts (names, offsets, widths, signs), not the ids of their types.
 *
 * @example
 * ```ts
 * const hits = spec.maps.find((map) => map.name === 'hits')!;
 * mapAbiDigest({ ...hits, maxEntries: 1 }, spec.btf) === mapAbiDigest(hits, spec.btf); // false
 * ```
 */
export function mapAbiDigest(map: MapSpec, btf: Btf | undefined): string {
  return digestOf(mapAbi(map, btf));
}

function mapAbi(map: MapSpec, btf: Btf | undefined): unknown[] {
  const layout = (typeId: number): string | null =>
    btf === undefined || typeId === 0 ? null : typeLayout(btf, typeId);
  return [
    map.type,
    map.keySize,
    map.valueSize,
    map.maxEntries,
    map.flags,
    map.mapExtra.toString(),
    layout(map.keyTypeId),
    layout(map.valueTypeId),
    map.inner === undefined ? null : mapAbi(map.inner, btf),
  ];
}

function digestOf(value: unknown): string {
  return sha256(new TextEncoder().encode(JSON.stringify(value)));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

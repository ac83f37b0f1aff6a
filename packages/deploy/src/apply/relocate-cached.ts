import fs from 'node:fs';
import {
  BpfError,
  Btf,
  kernelIdentity,
  moduleIdentities,
  objectDigest,
  parseObject,
  relocateObject,
  relocationInputsDigest,
  runningKernel,
  type ObjectSpec,
  type TargetKernel,
} from '@nx-bpf/loader';
import { type CacheAnswer, type Circumstances, type RelocationCache } from '../cache';
import { btfOf } from '../toolchain';

/** The bytes of an object file, and their SHA-256. */
export interface ObjectFile {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly digest: string;
}

/** An object file that is read when its bytes, or their digest, are asked for. */
export class LazyObject implements ObjectFile {
  private read: ObjectFile | undefined;

  constructor(
    readonly file: string,
    readonly name: string,
  ) {}

  get bytes(): Uint8Array {
    return this.contents.bytes;
  }

  get digest(): string {
    return this.contents.digest;
  }

  private get contents(): ObjectFile {
    this.read ??= readObject(this.file);
    return this.read;
  }
}

/** @throws BpfError FILE */
export function readObject(file: string): ObjectFile {
  try {
    const bytes = fs.readFileSync(file);
    return { file, bytes, digest: objectDigest(bytes) };
  } catch (cause) {
    throw new BpfError(
      'FILE',
      `object ${file} cannot be read: ${(cause as Error).message}`,
      { object: file },
      cause,
    );
  }
}

export interface RelocateSettings {
  /** Told of the parsed object before it is relocated, on a miss. */
  readonly check?: (spec: ObjectSpec) => void;
  /** A BTF file, raw or in an ELF file, to resolve CO-RE against in place of the running kernel's types. */
  readonly types?: ObjectFile | undefined;
  /** Name of the relocation in the cache, where it is known without the object's digest. */
  readonly key?: string | undefined;
}

/** How long the parts of a relocation took, in microseconds; 0 for what a cache hit made needless. */
export interface RelocationTime {
  readonly parse: number;
  readonly relocate: number;
}

/**
 * An object relocated for the running kernel: from the cache, where nothing but the object's digest and the kernel's
 * build id is looked at, or anew.
 *
 * @param object.name what kernel names of its data maps come from
 * @param programs those wanted; undefined: those that load by default
 * @throws BpfError whatever is wrong with the object
 */
export function relocateCached(
  object: ObjectFile & { readonly name: string },
  programs: readonly string[] | undefined,
  cache: RelocationCache,
  { check = () => undefined, types, key = relocationKey(object, programs, types) }: RelocateSettings = {},
): CacheAnswer & RelocationTime {
  let parse = 0;
  const start = process.hrtime.bigint();
  try {
    const answer = cache.get(key, circumstances, () => {
      const spec = parseObject(object.bytes, { name: object.name });
      parse = since(start);
      check(spec);
      const { target, asked } = observed(runningKernel());
      const coreTypes = types && Btf.parse(btfOf(types.bytes, types.file), { object: types.file });
      return { relocated: relocateObject(spec, target, { programs, coreTypes }), depended: [...asked] };
    });
    return { ...answer, parse, relocate: since(start) - parse };
  } catch (error) {
    throw error instanceof BpfError ? error.with({ object: object.file }) : error;
  }
}

/** The name of a relocation for the running kernel in the cache. */
export function relocationKey(
  object: Pick<ObjectFile, 'digest'> & { readonly name: string },
  programs: readonly string[] | undefined,
  types?: Pick<ObjectFile, 'digest'>,
): string {
  const running = kernelIdentity().buildId ?? objectDigest(runningKernel().btf().bytes);
  const kernel = types === undefined ? running : `${running} ${types.digest}`;
  return relocationInputsDigest({ object: `${object.name} ${object.digest}`, kernel, programs });
}

/** What a relocation may depend on beyond the kernel's build: its configuration, and the modules that are loaded. */
const circumstances: Circumstances = {
  kconfig: () => digestOf([...runningKernel().kconfig!()].sort()),
  modules: () => digestOf(Object.entries(moduleIdentities()).sort()),
};

/** Whether what a relocation depended on beyond its key is still so. */
export function stillSo(depended: Readonly<Record<string, string>>): boolean {
  return Object.entries(depended).every(([name, value]) => circumstances[name]?.() === value);
}

function digestOf(value: unknown): string {
  return objectDigest(Buffer.from(JSON.stringify(value)));
}

/** A kernel that notes which circumstances it was asked for. */
function observed(kernel: TargetKernel): { target: TargetKernel; asked: ReadonlySet<string> } {
  const asked = new Set<string>();
  const noting = <A extends unknown[], R>(name: string, ask: (...args: A) => R) => {
    return (...args: A): R => {
      asked.add(name);
      return ask(...args);
    };
  };
  const { moduleNames, moduleBtf, kconfig, virtual } = kernel;
  const target: TargetKernel = {
    btf: kernel.btf,
    moduleNames: moduleNames && noting('modules', moduleNames),
    moduleBtf: moduleBtf && noting('modules', moduleBtf),
    kconfig: kconfig && noting('kconfig', kconfig),
    // Of these a build of the kernel has always the same.
    virtual,
  };
  return { target, asked };
}

/** Microseconds since a moment. */
export function since(start: bigint): number {
  return Number((process.hrtime.bigint() - start) / 1000n);
}

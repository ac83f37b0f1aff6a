import fs from 'node:fs';
import {
  BpfError,
  kernelIdentity,
  objectDigest,
  parseObject,
  relocateObject,
  relocationInputsDigest,
  runningKernel,
  type ObjectSpec,
} from '@nx-bpf/loader';
import { type CacheAnswer, type RelocationCache } from '../cache';

/** The bytes of an object file, and their SHA-256. */
export interface ObjectFile {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly digest: string;
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
 * @param check told of the parsed object before it is relocated, on a miss
 * @throws BpfError whatever is wrong with the object
 */
export function relocateCached(
  object: ObjectFile & { readonly name: string },
  programs: readonly string[] | undefined,
  cache: RelocationCache,
  check: (spec: ObjectSpec) => void = () => undefined,
): CacheAnswer & RelocationTime {
  const kernel = kernelIdentity().buildId ?? objectDigest(runningKernel().btf().bytes);
  const key = relocationInputsDigest({ object: `${object.name} ${object.digest}`, kernel, programs });
  let parse = 0;
  const start = process.hrtime.bigint();
  try {
    const answer = cache.get(key, () => {
      const spec = parseObject(object.bytes, { name: object.name });
      parse = since(start);
      check(spec);
      return relocateObject(spec, runningKernel(), {
        programs,
      });
    });
    return { ...answer, parse, relocate: since(start) - parse };
  } catch (error) {
    throw error instanceof BpfError ? error.with({ object: object.file }) : error;
  }
}

/** Microseconds since a moment. */
export function since(start: bigint): number {
  return Number((process.hrtime.bigint() - start) / 1000n);
}

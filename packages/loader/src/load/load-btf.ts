import { Btf, type BtfNeed, btfWithout, needsOfBtf } from '../btf';
import { btfLoad, Errno, errnoName, Fd, type Feature, features, hasFeature } from '../kernel';

/** An object's types in the kernel. */
export interface LoadedBtf {
  readonly fd: Fd;
  /** As they were loaded. */
  readonly bytes: Uint8Array;
  /** Whether functions are among them: records of function and line info refer to those. */
  readonly functions: boolean;
}

/** The feature of a kernel that BTF asks for. */
const featureOf: Readonly<Record<BtfNeed, Feature>> = {
  functions: features.btfFunctions,
  globalFunctions: features.btfGlobalFunctions,
  sections: features.btfSections,
  markedSections: features.btfMarkedSections,
  floats: features.btfFloats,
  declarationTags: features.btfDeclarationTags,
  typeTags: features.btfTypeTags,
  enum64: features.btfEnum64,
};

/**
 * BPF_BTF_LOAD of an object's types. If the kernel refuses them because it is older than the compiler, what it does
 * not know is replaced: only then is it asked what that is. Programs and maps work without types, so a refusal is a
 * note: they then have none in the kernel, and the verifier knows no lines of C.
 *
 * @param has whether the kernel has a feature
 * @param token fd of a BPF token
 * @returns undefined if the object has no BTF or the kernel refused it
 */
export function loadBtf(
  btf: Uint8Array | undefined,
  note: (text: string) => void,
  has: (feature: Feature) => boolean | undefined = hasFeature,
  token?: number,
): LoadedBtf | undefined {
  if (btf === undefined) return undefined;
  const result = btfLoad(btf, undefined, token);
  if (result >= 0) return { fd: new Fd(result, 'BTF'), bytes: btf, functions: true };
  const types = Btf.parse(btf, { trusted: true });
  const missing = new Set(needsOfBtf(types).filter((need) => has(featureOf[need]) === false));
  const bytes = missing.size === 0 ? btf : btfWithout(types, missing);
  const second = missing.size === 0 ? result : btfLoad(bytes, undefined, token);
  if (second >= 0) {
    const names = [...missing].map((need) => `${featureOf[need].name} (Linux ${featureOf[need].since})`);
    note(`this kernel does not know ${names.join(', ')}: the object's BTF was loaded without`);
    return { fd: new Fd(second, 'BTF'), bytes, functions: !missing.has('functions') };
  }
  note(`the kernel refused the object's BTF with ${errnoName(-result)}${reasonOf(btf, result, token)}`);
  return undefined;
}

const logSize = 64 * 1024;

/** The last line of the kernel's log; missing rights have none. */
function reasonOf(btf: Uint8Array, result: number, token: number | undefined): string {
  if (result === -Errno.EPERM) return '';
  const log = Buffer.alloc(logSize);
  const second = btfLoad(btf, log, token);
  if (second >= 0) new Fd(second, 'BTF').close();
  const end = log.indexOf(0);
  const lines = log
    .toString('utf8', 0, end < 0 ? logSize : end)
    .trim()
    .split('\n');
  const last = lines.at(-1)!;
  return last === '' ? '' : `: ${last}`;
}

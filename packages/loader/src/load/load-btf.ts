import { btfLoad, Errno, errnoName, Fd } from '../kernel';

/**
 * BPF_BTF_LOAD of an object's types. Programs and maps work without, so a refusal is a note: they then have no types
 * in the kernel, and the verifier knows no lines of C.
 *
 * @returns undefined if the object has no BTF or the kernel refused it
 */
export function loadBtf(btf: Uint8Array | undefined, note: (text: string) => void): Fd | undefined {
  if (btf === undefined) return undefined;
  const result = btfLoad(btf);
  if (result >= 0) return new Fd(result, 'BTF');
  note(`the kernel refused the object's BTF with ${errnoName(-result)}${reasonOf(btf, result)}`);
  return undefined;
}

const logSize = 64 * 1024;

/** The last line of the kernel's log; missing rights have none. */
function reasonOf(btf: Uint8Array, result: number): string {
  if (result === -Errno.EPERM) return '';
  const log = Buffer.alloc(logSize);
  const second = btfLoad(btf, log);
  if (second >= 0) new Fd(second, 'BTF').close();
  const end = log.indexOf(0);
  const lines = log
    .toString('utf8', 0, end < 0 ? logSize : end)
    .trim()
    .split('\n');
  const last = lines.at(-1)!;
  return last === '' ? '' : `: ${last}`;
}

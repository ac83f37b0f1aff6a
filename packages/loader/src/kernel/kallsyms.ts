import { BpfError } from '../errors';
import { systemFile, systemText } from './system-file';

const newline = 0x0a;
const tab = 0x09;

/**
 * Addresses of kernel symbols, from /proc/kallsyms. They move with each boot.
 *
 * @param names what to look for
 * @param text contents of the file, for tests
 * @returns for each name that there is, its distinct addresses in the file's order: more than one when static symbols
 *   share a name
 * @throws BpfError PRIVILEGE_MISSING where the kernel shows zeros instead of addresses
 *
 * @example
 * ```ts
 * kernelSymbols(['bpf_prog_put']).get('bpf_prog_put')?.[0]?.toString(16); // such as 'ffffffff8121d2c0'
 * ```
 */
export function kernelSymbols(
  names: Iterable<string>,
  text: Buffer = systemFile('/proc/kallsyms'),
): Map<string, bigint[]> {
  const symbols = new Map<string, bigint[]>();
  for (const name of names) {
    const addresses = addressesOf(text, name);
    if (addresses.length === 0) continue;
    if (addresses.every((address) => address === 0n)) throw hidden(name);
    symbols.set(name, addresses);
  }
  return symbols;
}

function hidden(name: string): BpfError {
  return new BpfError('PRIVILEGE_MISSING', `address of kernel symbol '${name}': /proc/kallsyms shows zeros`, {
    symbol: name,
    path: '/proc/kallsyms',
    hint: 'give this process CAP_SYSLOG (kernel.kptr_restrict at most 1), or run it as root',
  });
}

/**
 * Addresses of functions of the kernel and its modules, in one pass: for thousands of names. Names are exact.
 *
 * @throws BpfError PRIVILEGE_MISSING where the kernel shows zeros instead of addresses
 */
export function functionAddresses(
  names: ReadonlySet<string>,
  text: string = systemText('/proc/kallsyms'),
): Map<string, bigint[]> {
  const found = new Map<string, bigint[]>();
  for (const [, digits, name] of text.matchAll(/^([0-9a-f]+) [tTwW] ([^\t\n]+)/gm)) {
    if (!names.has(name!)) continue;
    const address = BigInt(`0x${digits}`);
    if (address === 0n) throw hidden(name!);
    const known = found.get(name!);
    if (known === undefined) found.set(name!, [address]);
    else known.push(address);
  }
  return found;
}

/** Lines are `ffffffff81000000 T _stext`, with a tab and `[module]` behind symbols of modules. */
function addressesOf(text: Buffer, name: string): bigint[] {
  const found = new Set<bigint>();
  const needle = Buffer.from(` ${name}`);
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) {
    if (!endsName(text, at + needle.length)) continue;
    const start = text.lastIndexOf(newline, at) + 1;
    // Address, space, type letter: anything else means that the name is not in the third column.
    const address = text.toString('latin1', start, at - 2);
    if (/^[0-9a-f]+$/.test(address)) found.add(BigInt(`0x${address}`));
  }
  return [...found];
}

/** clang's link-time optimisation appends `.llvm.` and a number to names of static symbols. */
function endsName(text: Buffer, end: number): boolean {
  const next = text[end];
  return (
    next === undefined ||
    next === newline ||
    next === tab ||
    text.toString('latin1', end, end + 6) === '.llvm.'
  );
}

/**
 * Names of the kernel's functions and of its modules', each once, in the file's order. Aliases are names of their own.
 *
 * @example
 * ```ts
 * kernelFunctions().includes('vfs_read'); // true
 * ```
 */
export function kernelFunctions(text: string = systemText('/proc/kallsyms')): string[] {
  return [...new Set(Array.from(text.matchAll(/^[0-9a-f]+ [tTwW] ([^\t\n]+)/gm), (match) => match[1]!))];
}

/**
 * The functions that addresses lie in: ftrace's place in a function need not be its start. Where the kernel shows
 * zeros instead of addresses there are none.
 */
export function functionsAt(
  addresses: Iterable<bigint>,
  text: string = systemText('/proc/kallsyms'),
): Map<bigint, string> {
  // Addresses of 16 digits each: as text they are in the order of the numbers, and of equals the first stays first.
  const functions = Array.from(text.matchAll(/^([0-9a-f]{16}) [tTwW] ([^\t\n]+)/gm), ([, start, name]) => ({
    start: start!,
    name: name!,
  })).sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const found = new Map<bigint, string>();
  for (const address of addresses) {
    const digits = address.toString(16).padStart(16, '0');
    const start = functions[firstAfter(functions, digits) - 1]?.start;
    if (start === undefined || /^0+$/.test(start)) continue;
    found.set(address, functions[firstAfter(functions, start, true)]!.name);
  }
  return found;
}

/** Index of the first function that starts behind an address, or at it if `orAt`. */
function firstAfter(functions: readonly { readonly start: string }[], address: string, orAt = false): number {
  let [low, high] = [0, functions.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const { start } = functions[middle]!;
    if (start < address || (start === address && !orAt)) low = middle + 1;
    else high = middle;
  }
  return low;
}

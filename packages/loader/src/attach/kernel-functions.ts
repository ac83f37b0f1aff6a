import { readFileSync } from 'node:fs';
import { isGlob } from '../bytes';
import { BpfError, nearest } from '../errors';
import { Errno, errnoName, kernelFunctions } from '../kernel';
import { attachFailed, type Attempt } from './failure';
import { parseFunctionPlace } from './function-place';
import { traceableNames } from './traceable';

/**
 * Whether the kernel, or a module that is loaded, has a function. Several modules may have it: with `MODULE:` before it,
 * its being in another one counts too.
 *
 * @param place its name, as a kprobe's section says it: an offset behind it is passed over
 * @throws BpfError ATTACH_FAILED when it does not name a place
 *
 * @example
 * ```ts
 * hasKernelFunction('vfs_read'); // true
 * hasKernelFunction('vfs_raed+0x10'); // false
 * ```
 */
export function hasKernelFunction(place: string): boolean {
  return kernelFunctions().includes(withoutModule(parseFunctionPlace(place).name));
}

function withoutModule(name: string): string {
  return name.replace(/^.*:/, '');
}

/**
 * The error of a refused probe: FUNCTION_NOT_FOUND where the kernel has no such function, and for one that may not be
 * probed the reason, as far as the kernel's lists tell it.
 *
 * @param name of the function, with `MODULE:` before it or not; undefined for an address
 * @param errno negative error number
 */
export function probeRefused(attempt: Attempt, name: string | undefined, errno: number): BpfError {
  const plain = name === undefined ? undefined : withoutModule(name);
  // Through tracefs a function that is not there is EINVAL, as everything is that the kernel's parser refuses.
  const unknown = errno === -Errno.EINVAL && plain !== undefined && !kernelFunctions().includes(plain);
  if (name !== undefined && (errno === -Errno.ENOENT || unknown)) return functionNotFound(attempt, name);
  const reason = plain !== undefined && errno === -Errno.EINVAL ? untraceable(plain) : undefined;
  if (reason === undefined) return attachFailed(attempt, errno);
  return attachFailed({ ...attempt, causes: { [errnoName(Errno.EINVAL)]: reason } }, errno);
}

/**
 * The error for a function that the kernel does not have: it may have it under a name that the compiler made.
 *
 * @param known what could have been meant: by default every function, else those that can be traced
 */
export function functionNotFound(attempt: Attempt, name: string, known = kernelFunctions()): BpfError {
  const { program, where } = attempt;
  const plain = withoutModule(name);
  if (isGlob(plain)) {
    return new BpfError(
      'FUNCTION_NOT_FOUND',
      `program '${program.name}': attach to ${where}: no function that can be traced fits '${plain}'`,
      { program: program.name, symbol: plain, hint: 'available_filter_functions in tracefs lists them' },
    );
  }
  // gcc makes NAME.isra.0 and the like of a function that it changes, clang NAME.llvm.123.
  const variants = known.filter((each) => each.startsWith(`${plain}.`));
  const near = nearest(plain, known);
  const hint =
    variants.length > 0
      ? `the compiler made ${variants.slice(0, 3).join(' and ')} of it: attach to that`
      : near.length > 0
        ? `did you mean ${near.join(' or ')}? A function that is inlined wherever it is called is not there either`
        : known.includes(plain)
          ? 'it is in a module: name it as MODULE:FUNCTION, or leave out a module that does not have it'
          : 'it may be inlined wherever it is called, or be in a module that is not loaded; /proc/kallsyms shows what there is';
  return new BpfError(
    'FUNCTION_NOT_FOUND',
    `program '${program.name}': attach to ${where}: the kernel has no function '${plain}'`,
    { program: program.name, symbol: plain, hint },
  );
}

/** Why a function may not be probed; undefined when no list of the kernel's has it, or none can be read. */
function untraceable(name: string): string | undefined {
  if (blacklist().includes(name)) {
    return "it is on the kernel's list of functions that kprobes must not touch (/sys/kernel/debug/kprobes/blacklist): probe what calls it";
  }
  const traceable = traceableNames();
  if (traceable !== undefined && !traceable.includes(name)) {
    return 'the kernel was built so that it cannot be traced (notrace; available_filter_functions in tracefs lists what can): probe what calls it';
  }
  return undefined;
}

/** Lines `0xffffffff81000000-0xffffffff81000040\tNAME`; only debugfs has them. */
function blacklist(): string[] {
  const text = read('/sys/kernel/debug/kprobes/blacklist') ?? '';
  return Array.from(text.matchAll(/^0x[0-9a-f]+-0x[0-9a-f]+\t(\S+)/gm), (match) => match[1]!);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}

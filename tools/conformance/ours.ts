import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { BpfError } from '../../packages/loader/src/errors';
import { runningKernel } from '../../packages/loader/src/kernel';
import { objectName, parseObject, type ObjectSpec } from '../../packages/loader/src/object';
import { relocateObject, type TargetKernel } from '../../packages/loader/src/relocate';
import { closeAll } from '../oracle/handles';
import { loadRelocated } from '../oracle/ours';
import { held } from './held';
import { type Refused, type Verdict } from './verdict';

/** An object as our loader reads it, or why it does not. */
export function readOurs(file: string): ObjectSpec | Refused {
  try {
    return parseObject(readFileSync(file), { name: objectName(file) });
  } catch (error) {
    return refusal(error);
  }
}

/**
 * What our loader makes of one program of an object, and what the kernel then holds: that program, those without which
 * it cannot be (in slots of its maps, in its struct_ops), and all maps of the object, as libbpf makes them.
 */
export function loadWithOurs(spec: ObjectSpec, program: string, directory: string): Verdict {
  const target = kernelAsLibbpfSeesIt();
  mkdirSync(directory);
  try {
    const wanted = relocateObject(spec, target, { programs: [program] }).programs.map(({ name }) => name);
    const handles = loadRelocated(relocateObject(only(spec, wanted), target), directory);
    try {
      return { outcome: 'loaded', held: held(handles, program) };
    } finally {
      closeAll(handles);
    }
  } catch (error) {
    return refusal(error);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The object with every other program switched off: so all its maps are made. */
function only(spec: ObjectSpec, names: readonly string[]): ObjectSpec {
  const programs = spec.programs.map((program) => ({ ...program, autoload: names.includes(program.name) }));
  return { ...spec, programs };
}

/**
 * The running kernel, but without its system call wrappers where it has no kprobes: libbpf finds the wrappers by
 * attaching a kprobe to one, we in kallsyms. Both loaders are to work with the same facts.
 */
function kernelAsLibbpfSeesIt(): TargetKernel {
  const kernel = runningKernel();
  if (existsSync('/sys/bus/event_source/devices/kprobe')) return kernel;
  return {
    ...kernel,
    virtual: (name) => (name === 'LINUX_HAS_SYSCALL_WRAPPER' ? 0n : kernel.virtual?.(name)),
  };
}

/** An error of the loader is its answer; any other is a bug, and is reported as one. */
function refusal(error: unknown): Refused {
  if (error instanceof BpfError) {
    const byKernel = error.code === 'VERIFIER_REJECTED' || error.code === 'PROGRAM_LOAD_FAILED';
    return {
      outcome: 'refused',
      by: byKernel ? 'kernel' : `loader (${error.code})`,
      errno: error.fields.errno,
      reason: error.message,
    };
  }
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { outcome: 'refused', by: 'a bug', errno: undefined, reason };
}

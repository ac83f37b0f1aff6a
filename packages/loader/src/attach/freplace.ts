import { closeFd, linkCreate, openPin, programInfo, rawTracepointOpen } from '../kernel';
import { programFunction } from '../load';
import { ProgramType } from '../object';
import { freplaceCauses } from './causes';
import { attached } from './failure';
import { Link } from './link';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';
import { targetOf } from './target';

export interface FreplaceOptions {
  /** The program whose function is replaced (Linux 5.10), or its pin; by default the one it was loaded for. */
  readonly program?: { readonly fd: number } | string | undefined;
  /** The function, a global one; by default what the section name says (`freplace/verdict`). Only with `program`. */
  readonly function?: string | undefined;
}

/**
 * Let a program run in place of a global function of another program: `SEC("freplace/verdict")` (Linux 5.6). It is
 * loaded for a function of one program, `attachTargets` of `loadFile`; it can be attached to that of another one, which
 * must have the same parameters. When the link is closed, the function is itself again.
 *
 * @throws BpfError ATTACH_TARGET_NOT_FOUND with the nearest names, BTF_MISSING when the other program has no types,
 *   PIN_NOT_FOUND, PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const guard = Program.open('/sys/fs/bpf/guard');
 * const stricter = loadFile('stricter.bpf.o', { attachTargets: { verdict: { program: guard.fd } } }).program('verdict');
 * const link = attachFreplace(stricter);
 * const elsewhere = attachFreplace(stricter, { program: '/sys/fs/bpf/other' });
 * ```
 */
export function attachFreplace(program: AttachableProgram, options: FreplaceOptions = {}): Link {
  requireType(program, 'freplace', [ProgramType.ext]);
  const attempt = { program, needs: ['CAP_BPF'], causes: freplaceCauses } as const;
  const { program: other } = options;
  if (other === undefined) {
    const where = program.target === undefined ? 'freplace' : `freplace ${program.target}`;
    return new Link(attached(rawTracepointOpen(program.fd), { ...attempt, where }), where);
  }
  const name = targetOf(program, 'freplace', options.function);
  return withProgram(other, (fd) => {
    const where = `freplace ${name} of program '${programInfo(fd).name}'`;
    const subject = `program '${program.name}': attach to ${where}`;
    const id = programFunction({ name: program.name, subject }, fd, name);
    const result = linkCreate({ prog_fd: program.fd, target: fd }, 'tracing', { target_btf_id: id });
    return new Link(attached(result, { ...attempt, where }), where);
  });
}

function withProgram<T>(program: { readonly fd: number } | string, use: (fd: number) => T): T {
  if (typeof program !== 'string') return use(program.fd);
  const fd = openPin(program, 'program');
  try {
    return use(fd);
  } finally {
    closeFd(fd);
  }
}

import pc from 'picocolors';
import { fails, verdictName, type Finding, type KernelVerdict, type ProgramVerdict } from '../verify';
import { type Annotation } from './annotation';
import { table } from './table';

/**
 * What verifying found: the kernels, a table of programs and kernels, and what is to be said of each.
 *
 * @param verbose everything that the programs ask for, too
 */
export function renderVerdicts(kernels: readonly KernelVerdict[], verbose = false): string[] {
  const programs = kernels[0]?.programs ?? [];
  const lines = [
    ...table(kernels, [
      { title: 'kernel', of: ({ kernel }) => kernel },
      { title: 'release', of: ({ release }) => release ?? '' },
      { title: 'types', of: ({ source }) => source },
      { title: 'required', of: ({ required }) => (required ? 'yes' : 'no') },
    ]),
    '',
    ...table(programs, [
      { title: 'program', of: verdictName },
      ...kernels.map(({ kernel, programs: of }) => ({
        title: kernel,
        of: (row: ProgramVerdict) => cell(of.find((each) => verdictName(each) === verdictName(row))!),
      })),
    ]),
  ];
  const details = kernels.flatMap((kernel) =>
    kernel.programs.flatMap((program) => [
      ...program.unmet.map(
        (text) => `${pc.dim('not used')} ${kernel.kernel}: ${verdictName(program)}: ${text}`,
      ),
      ...(program.unmet.length > 0
        ? []
        : program.findings.flatMap((finding) => describe(kernel, program, finding))),
      ...(verbose ? asked(kernel, program) : []),
    ]),
  );
  return details.length === 0 ? lines : [...lines, '', ...details];
}

/** Without colours: a table counts the letters of its cells. */
function cell({ relocates, attaches, findings, requirements, unmet }: ProgramVerdict): string {
  if (unmet.length > 0) return 'not used';
  const missing = findings.filter(({ state }) => state === 'missing').length;
  const unsure = findings.filter(({ state }) => state === 'unsure').length;
  const guarded = findings.filter(({ state }) => state === 'guarded').length;
  if (relocates === 'no') return `FAILS (${missing} missing)`;
  if (relocates === 'unsure') return `reached? (${unsure} missing)`;
  if (attaches === 'no') return 'relocates, CANNOT ATTACH';
  const met = requirements.filter(({ state }) => state === 'found').length;
  return `relocates (${met} found${guarded > 0 ? `, ${guarded} guarded` : ''})`;
}

function describe({ kernel }: KernelVerdict, verdict: ProgramVerdict, finding: Finding): string[] {
  const { state, kind, message, file, line } = finding;
  const place = file === null ? '' : ` ${[file, line].filter((part) => part !== null).join(':')}`;
  const text = `${kernel}: ${verdictName(verdict)}${place}: ${kind} ${message}`;
  switch (state) {
    case 'missing':
      return [`${pc.red('missing')} ${text}`];
    case 'unsure':
      return [`${pc.yellow('reached?')} ${text}`];
    case 'guarded':
      return [`${pc.dim('guarded')} ${text}`];
    default:
      return [`${pc.dim('open')} ${text}`];
  }
}

function asked({ kernel }: KernelVerdict, verdict: ProgramVerdict): string[] {
  return [
    '',
    pc.bold(`${verdictName(verdict)} on ${kernel}`),
    ...table(verdict.requirements, [
      { title: 'asks for', of: ({ kind }) => kind },
      { title: 'name', of: ({ name }) => name },
      { title: 'state', of: ({ state }) => state },
      { title: 'answer', of: ({ answer }) => answer ?? '' },
      { title: 'line', of: ({ file, line }) => (file === null ? '' : `${file}:${line}`) },
    ]).map((line) => `  ${line}`),
  ];
}

/** What was found, beside the lines of C: errors for kernels that are required, warnings for the others. */
export function annotations(kernels: readonly KernelVerdict[]): Annotation[] {
  return kernels.flatMap(({ kernel, required, programs }) =>
    programs.filter(fails).flatMap((verdict) =>
      verdict.findings
        .filter(({ state }) => state === 'missing' || state === 'unsure')
        .map((finding) => {
          const { code, kind, message, file, line } = finding;
          return {
            kind: required ? 'error' : 'warning',
            rule: code ?? 'REQUIRED_KERNEL_FAILED',
            file: file ?? undefined,
            line: line ?? undefined,
            column: undefined,
            text: `${verdictName(verdict)} on ${kernel}: ${kind} ${message}`,
          };
        }),
    ),
  );
}

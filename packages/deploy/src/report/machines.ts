import pc from 'picocolors';
import { type MachineVerdict } from '../verify';
import { type Annotation } from './annotation';
import { renderError } from './error';
import { loadAnnotations, renderLoads } from './loads';
import { table } from './table';

/** The kernels that were booted, and how each took the programs. */
export function renderMachines(kernels: readonly MachineVerdict[], verbose = false): string[] {
  return [
    ...table(kernels, [
      { title: 'kernel', of: ({ kernel }) => kernel },
      { title: 'release', of: ({ release }) => release ?? '' },
      { title: 'booted', of: ({ source, untried }) => source ?? `not tried: ${untried}` },
      { title: 'seconds', of: ({ seconds }) => (seconds === null ? '-' : String(seconds)) },
      { title: 'required', of: ({ required }) => (required ? 'yes' : 'no') },
      {
        title: 'verdict',
        of: ({ untried, success }) => (success ? (untried === null ? 'passes' : '-') : 'FAILS'),
      },
    ]),
    ...kernels.flatMap(({ kernel, programs, error }) => [
      ...(programs.length === 0 && error === null ? [] : ['', pc.bold(`On ${kernel}`), '']),
      ...(programs.length === 0 ? [] : renderLoads(programs, verbose)),
      ...(error === null ? [] : renderError(error, verbose)),
    ]),
  ];
}

/** What is wrong, beside the lines of C: errors for kernels that are required, warnings for the others. */
export function machineAnnotations(kernels: readonly MachineVerdict[]): Annotation[] {
  return kernels.flatMap(({ kernel, required, programs, error }) =>
    [
      ...loadAnnotations(programs),
      ...(error === null
        ? []
        : [
            {
              kind: 'error' as const,
              rule: error.code,
              file: undefined,
              line: undefined,
              column: undefined,
              text: error.message,
            },
          ]),
    ].map((each) => ({
      ...each,
      kind: required ? each.kind : ('warning' as const),
      text: `on ${kernel}: ${each.text}`,
    })),
  );
}

import { type LoadVerdict } from '../verify';
import { annotationsOf, type Annotation } from './annotation';
import { renderError } from './error';
import { table } from './table';

/** How the running kernel took the programs, and what is wrong with them. */
export function renderLoads(programs: readonly LoadVerdict[], verbose = false): string[] {
  const figure = (value: number | null): string => (value === null ? '-' : String(value));
  return [
    ...table(programs, [
      { title: 'program', of: ({ program }) => program },
      { title: 'loads', of: ({ loads }) => (loads === null ? 'beside its target' : word(loads)) },
      {
        title: 'attaches',
        of: ({ attaches }) =>
          attaches.map((each) => `${each.hook}: ${word(each.attaches)}`).join(', ') || '-',
      },
      ...(programs.some(({ runs }) => runs.length > 0)
        ? [{ title: 'checks', of: ({ runs }: LoadVerdict) => checks(runs) }]
        : []),
      { title: 'verified', of: ({ insns, recorded }) => figure(insns) + grown(insns, recorded) },
      { title: 'peak states', of: ({ peakStates }) => figure(peakStates) },
      { title: 'stack', of: ({ stackDepth }) => figure(stackDepth) },
      { title: 'usec', of: ({ time }) => figure(time) },
    ]),
    ...programs.flatMap(({ errors }) => errors.flatMap((error) => ['', ...renderError(error, verbose)])),
  ];
}

function checks(runs: LoadVerdict['runs']): string {
  if (runs.length === 0) return '-';
  const passed = runs.filter((run) => run.passed).length;
  return passed === runs.length ? `${passed} passed` : `${runs.length - passed} of ${runs.length} FAILED`;
}

function word(is: boolean | null): string {
  return is === null ? 'unknown' : is ? 'yes' : 'NO';
}

function grown(insns: number | null, recorded: number | null): string {
  if (insns === null || recorded === null || insns === recorded) return '';
  return ` (${insns > recorded ? '+' : ''}${insns - recorded})`;
}

/** What is wrong, beside the lines of C where these are known. */
export function loadAnnotations(programs: readonly LoadVerdict[]): Annotation[] {
  return programs.flatMap(({ program, errors }) =>
    errors.flatMap((error) => annotationsOf(error, `${program}: `)),
  );
}

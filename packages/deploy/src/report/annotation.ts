import { type BpfError } from '@nx-bpf/loader';
import { parseDiagnostics } from '../toolchain';

/** Something that is wrong, or may be, at its place in C or in a manifest: for pull requests and editors. */
export interface Annotation {
  readonly kind: 'error' | 'warning';
  /** Code of an error, or a word for what else it is: the same for all of its sort. */
  readonly rule: string;
  /** Relative to the workspace; undefined: it belongs to the whole run. */
  readonly file: string | undefined;
  /** From 1. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly text: string;
}

/**
 * What an error says, place by place: each message of a compiler, each problem of a manifest, the line of C at which the
 * verifier stopped.
 *
 * @param about what it is about beside what it says itself: a program's name
 */
export function annotationsOf(error: BpfError, about = ''): Annotation[] {
  const { code, fields, message } = error;
  const placed = parseProblems(fields.problems ?? []);
  if (placed.length > 0) return placed.map((each) => ({ kind: 'error', rule: code, ...each }));
  const { file, line, column } = fields;
  return [{ kind: 'error', rule: code, file: inWorkspace(file), line, column, text: about + message }];
}

/** Messages of a compiler and problems of a manifest both begin with their place. */
function parseProblems(problems: readonly string[]): Pick<Annotation, 'file' | 'line' | 'column' | 'text'>[] {
  const found = problems.map((problem) => {
    const [diagnostic] = parseDiagnostics(problem);
    if (diagnostic?.file !== undefined) {
      const { file, line, column, message } = diagnostic;
      return { file: inWorkspace(file), line, column, text: message };
    }
    const [, file, line, column, text] = /^([^\s:]+):(\d+):(\d+): (.*)$/s.exec(problem) ?? [];
    if (file === undefined) return undefined;
    return { file: inWorkspace(file), line: Number(line), column: Number(column), text: text! };
  });
  // A problem that has no place is not lost: then the error is told as a whole.
  return found.every((each) => each !== undefined) ? found : [];
}

/** Objects are compiled with the workspace as `.`. */
export function inWorkspace(file: string | undefined): string | undefined {
  return file?.replace(/^\.\//, '');
}

/**
 * A workflow command that puts a text beside a line in a pull request. Source: "Workflow commands" of GitHub Actions'
 * documentation.
 */
export function workflowCommand({ kind, file, line, column, text }: Annotation): string {
  if (file === undefined) return `::${kind}::${data(text)}`;
  const at = line === undefined ? '' : `,line=${line}${column === undefined ? '' : `,col=${column}`}`;
  return `::${kind} file=${property(file)}${at}::${data(text)}`;
}

/** Whether these commands are read: GitHub Actions says so. */
export function inActions(): boolean {
  return process.env['GITHUB_ACTIONS'] === 'true';
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

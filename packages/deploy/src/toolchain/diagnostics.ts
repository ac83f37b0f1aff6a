export type Severity = 'fatal error' | 'error' | 'warning' | 'note' | 'remark';

/** One message of clang. */
export interface Diagnostic {
  /** As clang names it: relative to the workspace where it is inside. Place is undefined for what has none in C. */
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly severity: Severity;
  readonly message: string;
}

const form = /^(?:(.+?):(\d+):(\d+): )?(fatal error|error|warning|note|remark): (.*)$/gm;

/**
 * The messages in clang's output, without the source lines that it shows.
 *
 * @example
 * ```ts
 * parseDiagnostics("a.c:3:1: error: use of undeclared identifier 'x'")[0]?.line; // 3
 * ```
 */
export function parseDiagnostics(text: string): Diagnostic[] {
  return [...text.matchAll(form)].map(([, file, line, column, severity, message]) => ({
    file,
    line: line === undefined ? undefined : Number(line),
    column: column === undefined ? undefined : Number(column),
    severity: severity as Severity,
    message: message!,
  }));
}

/** A message in one line, as clang begins it. */
export function diagnosticText({ file, line, column, severity, message }: Diagnostic): string {
  return `${file === undefined ? '' : `${file}:${line}:${column}: `}${severity}: ${message}`;
}

export function isError({ severity }: Diagnostic): boolean {
  return severity === 'error' || severity === 'fatal error';
}

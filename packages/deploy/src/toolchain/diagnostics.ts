export type Severity = 'fatal error' | 'error' | 'warning' | 'note' | 'remark';

/** One message of clang. */
export interface Diagnostic {
  /** As clang names it: relative to the workspace where it is inside. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly severity: Severity;
  readonly message: string;
}

const form = /^(.+?):(\d+):(\d+): (fatal error|error|warning|note|remark): (.*)$/gm;

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
    file: file!,
    line: Number(line),
    column: Number(column),
    severity: severity as Severity,
    message: message!,
  }));
}

export function isError({ severity }: Diagnostic): boolean {
  return severity === 'error' || severity === 'fatal error';
}

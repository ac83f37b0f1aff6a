import { BpfError, fileFailure } from '@nx-bpf/loader';
import pc from 'picocolors';

/** An error as the JSON of every command has it. */
export interface ErrorJson {
  readonly code: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** The fields of an error, those that are set; `log` only where it was asked for or is short. */
export function errorJson(thrown: unknown): ErrorJson {
  const error = fileFailure(thrown);
  if (error instanceof BpfError) {
    const fields = Object.fromEntries(
      Object.entries(error.fields).filter(([, value]) => value !== undefined),
    );
    // What an error that tells how it ended is about: why an apply was rolled back.
    const cause = error.cause instanceof BpfError ? { cause: error.cause.code } : {};
    return { code: error.code, message: error.message, ...fields, ...cause };
  }
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) };
}

/** The exit status of a command that ends with an error. */
export function errorStatus(error: unknown): number {
  return error instanceof BpfError ? error.exitStatus : 1;
}

/** How many lines of a verifier's log are shown unless the whole is asked for. */
const logTail = 12;

/**
 * An error as people read it: where it is, what it says, every single problem, and of a verifier's log the end.
 *
 * @param verbose the whole log, and the causes underneath
 *
 * @example
 * ```ts
 * const error = new BpfError('MAP_INVALID', "map 'hits': max_entries is 0", { map: 'hits' });
 * console.error(renderError(error).join('\n'));
 * ```
 */
export function renderError(thrown: unknown, verbose = false): string[] {
  const error = fileFailure(thrown);
  if (!(error instanceof BpfError)) {
    const text = error instanceof Error ? (verbose ? error.stack : error.message) : String(error);
    return [`${pc.red('error')} ${pc.bold('INTERNAL')}: ${text ?? 'unknown'}`];
  }
  const { fields } = error;
  const lines = [`${pc.red('error')} ${pc.bold(error.code)}: ${error.message}`];
  for (const problem of fields.problems ?? []) {
    if (!error.message.includes(problem)) lines.push(`  ${problem}`);
  }
  if (fields.file !== undefined && !error.message.includes(fields.file)) {
    lines.push(
      `  at ${[fields.file, fields.line, fields.column].filter((part) => part !== undefined).join(':')}`,
    );
  }
  const log = fields.log ?? [];
  const shown = verbose ? log : log.slice(-logTail);
  if (shown.length > 0) {
    lines.push(
      pc.dim(
        `  verifier log${shown.length < log.length ? `, last ${shown.length} of ${log.length} lines (--verbose shows all)` : ''}:`,
      ),
    );
    lines.push(...shown.map((line) => pc.dim(`    ${line}`)));
  }
  if (verbose) {
    for (let cause = error.cause; cause instanceof Error; cause = cause.cause)
      lines.push(`  caused by: ${cause.message}`);
  }
  return lines;
}

import { type ExecutorContext } from '@nx/devkit';
import { execute } from '../execute';
import { type ReportOptions } from '../options';

/** Writes what the project is in an environment as a page. */
export default function report(
  options: ReportOptions,
  context: ExecutorContext,
): Promise<{ success: boolean }> {
  return execute('report', options, context);
}

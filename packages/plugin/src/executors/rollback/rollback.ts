import { type ExecutorContext } from '@nx/devkit';
import { execute } from '../execute';
import { type RollbackOptions } from '../options';

/** Goes back to a generation that was there before. */
export default function rollback(
  options: RollbackOptions,
  context: ExecutorContext,
): Promise<{ success: boolean }> {
  return execute('rollback', options, context);
}

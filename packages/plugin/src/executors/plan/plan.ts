import { type ExecutorContext } from '@nx/devkit';
import { execute } from '../execute';
import { type PlanOptions } from '../options';

/** Shows what `load` would change, and why. */
export default function plan(options: PlanOptions, context: ExecutorContext): Promise<{ success: boolean }> {
  return execute('plan', options, context);
}

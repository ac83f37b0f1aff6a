import { type ExecutorContext } from '@nx/devkit';
import { execute } from '../execute';
import { type TypesOptions } from '../options';

/** Writes TypeScript types of the project's maps, variables and events. */
export default function types(
  options: TypesOptions,
  context: ExecutorContext,
): Promise<{ success: boolean }> {
  return execute('types', options, context);
}

import { type ExecutorContext } from '@nx/devkit';
import { execute } from '../execute';
import { type VerifyOptions } from '../options';

/** Tells for which of the manifest's kernels the project's programs are. */
export default function verify(
  options: VerifyOptions,
  context: ExecutorContext,
): Promise<{ success: boolean }> {
  return execute('verify', options, context);
}

import { type ExecutorContext } from '@nx/devkit';
import { execute } from '../execute';
import { type LoadOptions } from '../options';

/** Makes the kernel what the manifest says: loads, pins and attaches. */
export default function load(options: LoadOptions, context: ExecutorContext): Promise<{ success: boolean }> {
  return execute('apply', options, context);
}

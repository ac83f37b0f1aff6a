import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';
import { readKernelLock, relocateForKernels, writeBundle, type KernelTypesFile } from '../bundle';
import { build, isFrozen } from './objects';
import { openKernel } from '../verify';
import { bundlePath } from './output-directory';
import { type Answer, type CommandInput } from './request';

/** `nx-bpf bundle`: a project in an environment as one file, for a host that has neither a checkout nor a compiler. */
export async function bundle(input: CommandInput): Promise<Answer> {
  const { config, request } = input;
  const { project, environment, workspaceRoot } = config;
  const objects = await build(input);
  const file = path.resolve(request.out ?? bundlePath(config));
  const relocations = relocateForKernels(config, objects, await kernelTypes(input));
  const sha256 = await writeBundle(config, objects, file, relocations);
  const shown = path.relative(workspaceRoot, file);
  return {
    lines: [
      `${project}@${environment} is in ${shown}`,
      `sha256 ${sha256}`,
      ...(relocations.length === 0
        ? []
        : [`relocated for ${[...new Set(relocations.map(({ kernel }) => kernel))].join(', ')}`]),
      `on the host: nx-bpf apply --bundle ${path.basename(file)}`,
    ],
    result: {
      project,
      environment,
      file: shown,
      sha256,
      relocations: relocations.map(({ kernel, object }) => ({ kernel, object })),
    },
  };
}

/**
 * The types of the kernels that the manifest names; not of the one that runs here, which is another one on another
 * machine. One that cannot be had is no reason not to write a bundle.
 */
async function kernelTypes({ config, note, progress, request }: CommandInput): Promise<KernelTypesFile[]> {
  const found: KernelTypesFile[] = [];
  const lock = readKernelLock(config, isFrozen(config, request));
  const kernels = Object.entries(config.kernels);
  for (const [index, [name, kernel]] of kernels.entries()) {
    progress?.({ what: 'reading the types of', name, number: index + 1, of: kernels.length });
    if ('running' in kernel.btf) continue;
    try {
      const { target } = await openKernel(name, kernel, note, lock);
      found.push({ name, btf: target.btf().bytes });
    } catch (error) {
      if (!(error instanceof BpfError) || error.code === 'LOCK_MISMATCH') throw error;
      note(`kernel ${name}: ${error.message}; objects are relocated for it on its hosts`);
    }
  }
  return found;
}

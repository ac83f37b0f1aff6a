import fs from 'node:fs';
import path from 'node:path';
import { readObject } from '../apply';
import { relocateForKernels, writeBundle, type KernelTypesFile } from '../bundle';
import { btfOf } from '../toolchain';
import { build } from './objects';
import { bundlePath } from './output-directory';
import { type Answer, type CommandInput } from './request';

/** `nx-bpf bundle`: a project in an environment as one file, for a host that has neither a checkout nor a compiler. */
export async function bundle(input: CommandInput): Promise<Answer> {
  const { config, request } = input;
  const { project, environment, workspaceRoot } = config;
  const objects = await build(input);
  const file = path.resolve(request.out ?? bundlePath(config));
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const relocations = relocateForKernels(config, objects, kernelTypes(input));
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

/** The types of the kernels that the manifest names as files. */
function kernelTypes({ config, note }: CommandInput): KernelTypesFile[] {
  return Object.entries(config.kernels).flatMap(([name, { btf }]): KernelTypesFile[] => {
    if ('file' in btf) return [{ name, btf: btfOf(readObject(btf.file).bytes, btf.file) }];
    note(`kernel ${name}: its types are in a package, so objects are relocated for it on its hosts`);
    return [];
  });
}

import fs from 'node:fs';
import path from 'node:path';
import { writeBundle } from '../bundle';
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
  const sha256 = await writeBundle(config, objects, file);
  const shown = path.relative(workspaceRoot, file);
  return {
    lines: [
      `${project}@${environment} is in ${shown}`,
      `sha256 ${sha256}`,
      `on the host: nx-bpf apply --bundle ${path.basename(file)}`,
    ],
    result: { project, environment, file: shown, sha256 },
  };
}

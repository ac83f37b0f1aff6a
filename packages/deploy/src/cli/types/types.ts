import fs from 'node:fs';
import { objectName } from '@nx-bpf/loader';
import { generateTypes } from '../../types';
import { done } from '../group';
import { locate } from '../locate';
import { type Outcome } from '../request';
import { run } from '../run';
import { readSpec, writeIfChanged } from './write';

/** Options of `nx-bpf types`. */
export interface TypesOptions {
  output?: string;
  env?: string;
  json?: boolean;
  verbose?: boolean;
}

/** `nx-bpf types`: of an object file, or of a project, which is compiled first. */
export async function types(target: string | undefined, options: TypesOptions): Promise<Outcome> {
  // A directory of that name is the project's own.
  const isFile =
    target !== undefined &&
    (target.includes('/') ||
      target.endsWith('.o') ||
      fs.statSync(target, { throwIfNoEntry: false })?.isFile() === true);
  if (!isFile) {
    const { output, env: environment, json, verbose } = options;
    return run('types', { ...locate(target), environment, output, json, verbose });
  }
  const text = generateTypes({ name: objectName(target), objects: [readSpec(target)] });
  if (options.output === undefined) {
    process.stdout.write(options.json ? `${JSON.stringify({ file: null, text })}\n` : text);
    return { ...done, result: { file: null, text } };
  }
  const result = { file: options.output, changed: writeIfChanged(options.output, text) };
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : `written ${options.output}\n`);
  return { ...done, result };
}

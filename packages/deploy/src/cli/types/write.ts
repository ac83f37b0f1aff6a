import fs from 'node:fs';
import path from 'node:path';
import { BpfError, objectName, parseObject, type ObjectSpec } from '@nx-bpf/loader';
import { programsInStructs } from '../../apply';
import { type ProjectConfig } from '../../manifest';
import { layoutOf } from '../../state';
import { generateTypes } from '../../types';

/** Where a project's types go unless it is said otherwise, relative to the project. */
const usualFile = 'src/bpf-types.ts';

/**
 * Writes the types of everything that a project deploys. A file that is as it should be is not touched, so that nobody
 * who watches it is woken.
 *
 * @param output relative to the project
 */
export function writeProjectTypes(
  config: ProjectConfig,
  objects: readonly { readonly name: string; readonly file: string }[],
  output = usualFile,
): { file: string; changed: boolean } {
  const { base } = layoutOf(config.pin.root, config.project, config.environment);
  const specs = objects.map(({ name, file }) => ({ name, spec: readSpec(file) }));
  const inStructs = specs.flatMap(({ name, spec }) => programsInStructs(config, name, spec));
  const text = generateTypes({
    name: config.project,
    objects: specs.map(({ spec }) => spec),
    programs: [...Object.keys(config.programs), ...inStructs.map(({ name }) => name)],
    directory: base,
  });
  const file = path.resolve(config.projectRoot, output);
  return { file, changed: writeIfChanged(file, text) };
}

/** @throws BpfError FILE */
export function readSpec(file: string): ObjectSpec {
  let bytes: Uint8Array;
  try {
    bytes = fs.readFileSync(file);
  } catch (error) {
    throw new BpfError(
      'FILE',
      `object ${file} cannot be read`,
      { path: file, hint: 'compile it first' },
      error,
    );
  }
  return parseObject(bytes, { name: objectName(file) });
}

/** @throws BpfError FILE */
export function writeIfChanged(file: string, text: string): boolean {
  try {
    if (fs.existsSync(file) && fs.readFileSync(file, 'utf8') === text) return false;
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
    return true;
  } catch (error) {
    throw new BpfError('FILE', `${file} cannot be written`, { path: file }, error);
  }
}

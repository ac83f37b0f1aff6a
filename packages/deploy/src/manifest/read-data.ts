import fs from 'node:fs';
import path from 'node:path';
import { type Located } from './located';
import { type Problems } from './problems';
import { readYaml } from './read-yaml';

/** A list of a million networks is some 20 MB. */
const maxLength = 64 << 20;

/**
 * A file of data that a manifest names, as values that know their place; keys may be numbers. JSON is YAML.
 *
 * @param file absolute
 * @returns undefined after a problem
 */
export function readDataFile(workspaceRoot: string, file: string, problems: Problems): Located | undefined {
  const name = path.relative(workspaceRoot, file);
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    problems.add({ file: name, line: 0, column: 0 }, `cannot be read: ${(error as Error).message}`);
    return undefined;
  }
  return readYaml({ text, file: name, layer: 'project', maxLength, anyKeys: true }, problems);
}

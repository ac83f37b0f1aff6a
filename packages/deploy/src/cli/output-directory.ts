import path from 'node:path';
import { type ProjectConfig } from '../manifest';

/** Where the objects of a project go, an environment apart from the others: their flags may differ. */
export function outputDirectory(config: ProjectConfig): string {
  return path.join(config.projectRoot, 'dist', 'bpf', config.environment);
}

/** Where it cannot be written the command has still done what it has done: that is a note. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stripDebug } from '../../../packages/deploy/src/toolchain/strip-debug';
import { compileCorpus, corpusFiles } from '../../oracle/corpus';

/** A file of the corpus, compiled, without DWARF. */
export interface SeedObject {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** For a short run: among them they have each kind of map, relocation, extern and section. */
const few = [
  'core-arrays',
  'core-enums',
  'core-types',
  'globals',
  'kconfig',
  'kfuncs',
  'ksyms',
  'legacy-maps',
  'map-in-map',
  'struct-ops',
  'subprograms-static',
  'tail-calls',
  'edge',
];

let made: Promise<readonly SeedObject[]> | undefined;

/** The corpus in both byte orders; each is compiled once a process. FUZZ_FEW=1: a part of it. */
export function seedObjects(): Promise<readonly SeedObject[]> {
  return (made ??= compileAll());
}

async function compileAll(): Promise<readonly SeedObject[]> {
  const files = corpusFiles().filter(
    ({ name }) => process.env['FUZZ_FEW'] === undefined || few.includes(name),
  );
  const objects: SeedObject[] = [];
  for (const target of ['bpf', 'bpfeb'] as const) {
    const directory = mkdtempSync(path.join(tmpdir(), 'nx-bpf-fuzz-'));
    try {
      for (const [name, file] of await compileCorpus(files, directory, target)) {
        objects.push({ name: `${name}.${target}`, bytes: stripDebug(readFileSync(file), name) });
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  }
  return objects.sort((a, b) => (a.name < b.name ? -1 : 1));
}

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compileCorpus, corpusFiles } from '../../oracle/corpus';
import { compile } from '../../testing/compile';
import { coreReads, heavy, smallPrograms, tiny } from './sources';

/** What is loaded together, in one process, one after the other. */
export interface Input {
  readonly name: string;
  /** In words, for tables. */
  readonly title: string;
  readonly files: readonly string[];
}

const single: readonly { readonly name: string; readonly title: string; readonly source: string }[] = [
  { name: 'tiny', title: 'tiny, no CO-RE', source: tiny() },
  {
    name: 'core-52',
    title: '6 programs, 52 relocations',
    source: coreReads({ programs: 6, relocations: 52, maps: 4, types: 9, seed: 52 }),
  },
  {
    name: 'core-271',
    title: '2 programs, 271 relocations',
    source: coreReads({ programs: 2, relocations: 271, maps: 5, types: 12, seed: 271 }),
  },
  { name: 'small-76', title: '76 small programs', source: smallPrograms(76) },
  { name: 'heavy-10k', title: 'verification heavy, 1 program of 10,000', source: heavy(1, 10_000) },
  { name: 'heavy-50k', title: 'verification heavy, 1 program of 50,000', source: heavy(1, 50_000) },
  { name: 'heavy-4x10k', title: 'verification heavy, 4 programs of 10,000', source: heavy(4, 10_000) },
  { name: 'heavy-2x50k', title: 'verification heavy, 2 programs of 50,000', source: heavy(2, 50_000) },
];

/** 45 objects with 2 to 70 relocations in 1 to 12 programs and up to 6 maps. */
const coreSources = Array.from({ length: 45 }, (_, i) => {
  const programs = 1 + ((i * 7) % 12);
  return coreReads({
    programs,
    relocations: Math.max(programs, 2 + ((i * 17) % 69)),
    maps: i % 7,
    types: 1 + ((i * 5) % 12),
    seed: 1000 + i,
  });
});

/**
 * Compiles what is measured into a directory: C of this repository only. The corpus of the loader makes the mixed set
 * full; of it, what `loads` says that libbpf loads.
 */
export async function compileInputs(directory: string, loads: (file: string) => boolean): Promise<Input[]> {
  mkdirSync(directory, { recursive: true });
  const write = (name: string, source: string): string => {
    const file = path.join(directory, `${name}.bpf.o`);
    writeFileSync(file, compile(source));
    return file;
  };
  const inputs: Input[] = single.map(({ name, title, source }) => ({
    name,
    title,
    files: [write(name, source)],
  }));
  const core = coreSources.map((source, i) => write(`core_${i}`, source));
  const corpus = await compileCorpus(corpusFiles(), directory);
  const mixed = [...corpus.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, file]) => file)
    .filter(loads);
  for (let i = 0; mixed.length < 100 - core.length; i++) {
    mixed.push(i % 2 === 0 ? write(`tiny_${i}`, tiny()) : write(`small_${i}`, smallPrograms(2 + i)));
  }
  return [
    ...inputs,
    { name: 'core-objects', title: '45 CO-RE objects, one process', files: core },
    {
      name: 'mixed-objects',
      title: '100 mixed objects, one process',
      files: [...core, ...mixed.slice(0, 100 - core.length)],
    },
  ];
}

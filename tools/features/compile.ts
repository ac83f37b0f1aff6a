/** Compiles the objects that the features use into a directory: `node -r ./tools/run-source.js tools/features/compile.ts DIRECTORY`. */
import path from 'node:path';
import { compileCorpus, corpusFiles } from '../oracle/corpus';

const ours = ['congestion', 'hooks', 'marked', 'network', 'probes'].map((name) => ({
  name,
  source: path.join(__dirname, `${name}.bpf.c`),
  includes: [],
  notForBpftool: undefined,
}));

/** The objects of the features in a directory, compiled from C. */
export async function compileObjects(directory: string): Promise<void> {
  await compileCorpus([...ours, ...corpusFiles()], directory);
}

if (require.main === module) void compileObjects(process.argv[2]!);

/** Compiles the objects that the features use into a directory: `node -r ./tools/run-source.js tools/features/compile.ts DIRECTORY
 * [ARCHITECTURE]`, by default this machine's. */
import path from 'node:path';
import { compileCorpus, corpusFiles } from '../oracle/corpus';
import { compileTraced, type UserBinaryOptions } from '../testing/user-binary';

const ours = ['cgroup-points', 'congestion', 'hooks', 'marked', 'network', 'probes', 'uprobes'].map(
  (name) => ({
    name,
    source: path.join(__dirname, `${name}.bpf.c`),
    // usdt.bpf.h includes a header of the processor.
    includes: ['/usr/include/x86_64-linux-gnu', '/usr/include/aarch64-linux-gnu'],
    notForBpftool: undefined,
  }),
);

/** The objects of the features in a directory, compiled from C, and beside them `traced`, which probes are set in. */
export async function compileObjects(
  directory: string,
  architecture?: UserBinaryOptions['architecture'],
): Promise<void> {
  compileTraced(path.join(directory, 'traced'), { architecture });
  await compileCorpus([...ours, ...corpusFiles()], directory);
}

if (require.main === module) {
  const [directory, architecture] = process.argv.slice(2);
  void compileObjects(directory!, architecture as UserBinaryOptions['architecture']);
}

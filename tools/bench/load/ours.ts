/**
 * Loads objects as `nx-bpf load` does, in this process, and says how long that takes: the counterpart of `peer.c`, with
 * the same lines on stdout. `node launch.mjs STATE CACHE WARM ROUNDS DIRECTORY OBJECT...`, where STATE is `hit` (whatever
 * is in the cache is used) or `miss` (before each round the relocations are removed from it, the kernel's index stays)
 * or `bare` (the index goes, too).
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { rawLoad } from '../../../packages/deploy/src/apply';
import { RelocationCache } from '../../../packages/deploy/src/cache';
import { closeFd, openPath } from '../../../packages/loader/src/kernel';

export async function main(argv: readonly string[]): Promise<void> {
  const [state, folder, warm, rounds, directory, ...files] = argv as [
    string,
    string,
    string,
    string,
    string,
    ...string[],
  ];
  // The foreign functions are there before the clock starts, as libbpf is when C's main() does.
  closeFd(openPath('/dev/null'));
  for (let round = 0; round < Number(warm) + Number(rounds); round++) {
    if (state !== 'hit') forget(folder, state === 'bare');
    const cache = new RelocationCache(folder);
    let total = 0;
    for (const [i, file] of files.entries()) {
      const { elapsedUs } = await rawLoad(file, {
        directory: path.join(directory, `${i}`),
        programs: undefined,
        cache,
        attach: false,
      });
      total += elapsedUs.total;
    }
    for (const i of files.keys()) rmSync(path.join(directory, `${i}`), { recursive: true });
    if (round >= Number(warm)) console.log(JSON.stringify({ total }));
  }
  console.log(JSON.stringify({ memory: process.resourceUsage().maxRSS }));
}

function forget(folder: string, all: boolean): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(folder)) {
    if (all || !name.startsWith('kernel-')) rmSync(path.join(folder, name), { recursive: true });
  }
}

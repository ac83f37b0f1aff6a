/**
 * Tries every feature on the running kernel: `node run.cjs OBJECTS`. A line of JSON for each result, on standard
 * output; exit status 1 if one is wrong. Bundled to one file, so that a guest without this repository can run it.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Mount, mount, unmount } from '../../packages/loader/src/kernel';
import { lockMachine } from '../testing/machine-lock';
import { features, trialWith, tryFeature } from './index';
import { findTracefs, Namespace, unshare } from './loader';

async function run(objects: string, only: readonly string[]): Promise<void> {
  const release = await lockMachine();
  const home = mkdtempSync(path.join(tmpdir(), 'nx-bpf-features-'));
  const bpffs = path.join(home, 'bpffs');
  mkdirSync(bpffs);
  unshare(Namespace.MOUNT);
  mount({ target: '/', flags: Mount.REC | Mount.PRIVATE });
  mount({ type: 'bpf', target: bpffs });
  if (findTracefs() === undefined) mount({ type: 'tracefs', target: '/sys/kernel/tracing' });
  const trial = trialWith(objects, bpffs);
  const wanted = features(objects).filter(({ name }) => only.length === 0 || only.includes(name));
  try {
    for (const feature of wanted) {
      const result = await tryFeature(feature, trial);
      process.stdout.write(`${JSON.stringify(result)}\n`);
      if (result.outcome === 'wrong') process.exitCode = 1;
    }
  } finally {
    unmount(bpffs);
    rmSync(home, { recursive: true, force: true });
    release();
  }
}

const [objects, ...only] = process.argv.slice(2);
if (objects === undefined) throw new Error('expected the directory of the compiled objects');
void run(objects, only);

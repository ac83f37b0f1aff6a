/**
 * Tries every feature of tools/features on Debian's 6.1 for arm64, on a processor that QEMU imitates, and prints what
 * came of it: a check by hand, since it downloads another 100 MB and takes some minutes. Needs qemu-system-arm.
 *
 *     node tools/arm64.mjs
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { guestCommand, parseResults, prepareFeatures } from './features/prepare.mjs';
import { table } from './features/table.mjs';
import { arm64Files } from './virtual-machine/arm64.mjs';
import { foreignApt } from './virtual-machine/apt.mjs';
import { debianKernel } from './virtual-machine/kernel.mjs';
import { runGuest } from './virtual-machine/machine.mjs';

const timeout = 600;

const work = mkdtempSync(path.join(tmpdir(), 'nx-bpf-arm64-'));
try {
  const { files } = await prepareFeatures(path.join(work, 'objects'), 'aarch64');
  const apt = foreignApt('arm64');
  const kernel = debianKernel('6.1', apt);
  let said = '';
  const outcome = await runGuest({
    kernel,
    files: new Map([...arm64Files(apt), ...files]),
    command: [...guestCommand, ...process.argv.slice(2)],
    architecture: 'arm64',
    acceleration: 'tcg',
    timeout,
    output: (chunk) => (said += chunk),
    errors: (chunk) => process.stderr.write(chunk),
  });
  const results = parseResults(said);
  const rows = results.map(({ name, group, since }) => ({ name, group, since }));
  const column = Object.fromEntries(results.map(({ name, outcome }) => [name, outcome]));
  console.log(table({ rows, columns: { [kernel.release]: column } }));
  for (const { name, outcome, error } of results) if (outcome === 'wrong') console.error(`${name}: ${error}`);
  if (outcome.failure !== undefined) console.error(outcome.failure, `\n${outcome.console}`);
  console.log(`${kernel.release}: ${results.length} features in ${outcome.seconds.toFixed(0)} s`);
  process.exitCode = outcome.status ?? 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';

/**
 * What runs in guests, as one file of JavaScript: a published package has it, and in a checkout it is bundled from the
 * source.
 *
 * @throws BpfError FILE
 */
export function guestProgram(): Uint8Array {
  const published = path.join(__dirname, '../guest.js');
  if (fs.existsSync(published)) return fs.readFileSync(published);
  const bundler = path.join(__dirname, '../../../../tools/guest-program.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [bundler], { maxBuffer: 1 << 28 });
  if (status === 0) return stdout;
  throw new BpfError(
    'FILE',
    `${published} is missing, and cannot be made: ${stderr.toString('utf8').trim()}`,
    {
      path: published,
      hint: 'install @nx-bpf/deploy anew',
    },
  );
}

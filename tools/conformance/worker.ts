/**
 * Compares objects, one after another, in a mount namespace with a bpffs of its own, which ends with the process. What
 * it is told and what it answers is in `messages.ts`. A load that never ends is ended by whoever started this process.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Mount, mount, Namespace, unshare } from '../../packages/loader/src/kernel';
import { compareObject } from './compare-object';
import { type Answer, type Task } from './messages';

/** Over the machine's own, which is not seen from here. */
const bpffs = '/sys/fs/bpf';
unshare(Namespace.MOUNT);
mount({ target: '/', flags: Mount.REC | Mount.PRIVATE });
mount({ type: 'bpf', target: bpffs });

createInterface({ input: process.stdin }).on('line', (line) => {
  compareObject(JSON.parse(line) as Task, bpffs, say);
});

/** Written before the next call that may block. */
function say(answer: Answer): void {
  const bytes = Buffer.from(`${JSON.stringify(answer)}\n`);
  for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
}

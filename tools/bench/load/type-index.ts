/**
 * Finds 20 types of the running kernel by name, and says how long that took: main of a bundle for `launch.mjs`, with
 * the arguments WAY FOLDER WARM ROUNDS.
 */
import { readFileSync } from 'node:fs';
import { Btf, BtfKind } from '../../../packages/loader/src/btf';
import { indexedBtf, kernelBtfBytes, kernelIdentity } from '../../../packages/loader/src/kernel';

const names = [
  ...[
    'task_struct',
    'mm_struct',
    'cred',
    'nsproxy',
    'file',
    'inode',
    'super_block',
    'dentry',
    'sock',
    'sk_buff',
  ],
  ...[
    'net_device',
    'signal_struct',
    'path',
    'qstr',
    'page',
    'vm_area_struct',
    'pid',
    'cgroup',
    'css_set',
    'bio',
  ],
];

const ways: Readonly<Record<string, (folder: string) => Btf>> = {
  mmap: () => Btf.parse(kernelBtfBytes(), { trusted: true }),
  read: () => Btf.parse(readFileSync('/sys/kernel/btf/vmlinux'), { trusted: true }),
  kept: (folder) => indexedBtf(kernelBtfBytes(), folder, kernelIdentity().buildId!),
};

/** KiB of memory that is this process's alone. */
function privateMemory(): number {
  const text = readFileSync('/proc/self/smaps_rollup', 'latin1');
  return [...text.matchAll(/^Private_\w+:\s+(\d+)/gm)].reduce((sum, [, size]) => sum + Number(size), 0);
}

export function main([way, folder, warm, rounds]: readonly string[]): Promise<void> {
  kernelIdentity();
  const before = privateMemory();
  for (let round = 0; round < Number(warm) + Number(rounds); round++) {
    const start = process.hrtime.bigint();
    const btf = ways[way!]!(folder!);
    for (const name of names) if (btf.find(name, BtfKind.STRUCT) === 0) throw new Error(name);
    const total = Number(process.hrtime.bigint() - start) / 1000;
    if (round === 0) console.log(JSON.stringify({ privateKiB: privateMemory() - before }));
    if (round >= Number(warm)) console.log(JSON.stringify({ total }));
  }
  return Promise.resolve();
}

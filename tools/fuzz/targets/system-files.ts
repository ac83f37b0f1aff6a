import { libraryInCache } from '../../../packages/loader/src/attach/ld-cache';
import { codeMappings } from '../../../packages/loader/src/attach/usdt-addresses';
import { countCpus } from '../../../packages/loader/src/kernel/cpus';
import { buildIdOf } from '../../../packages/loader/src/kernel/identity';
import {
  functionAddresses,
  functionsAt,
  kernelFunctions,
  kernelSymbols,
} from '../../../packages/loader/src/kernel/kallsyms';
import { parseKernelConfig } from '../../../packages/loader/src/kernel/kconfig';
import { parseMountInfo } from '../../../packages/loader/src/kernel/mounts';
import { rarely } from '../mutate/bytes';
import { textMutator } from '../mutate/text';
import { anyBytes } from '../mutate/bytes';
import { type Target } from '../target';

/** The first byte of an input says which file it is. */
const readers: readonly {
  readonly sample: () => Uint8Array;
  readonly read: (text: string, bytes: Uint8Array) => void;
}[] = [
  {
    sample: () => text('# x\nCONFIG_HZ=250\nCONFIG_BPF=y\n# CONFIG_A is not set\nCONFIG_NAME="a\\"b"\n'),
    read: (content) => parseKernelConfig(content),
  },
  {
    sample: () =>
      text(
        'ffffffff81000000 T _stext\nffffffff81000010 t do_one.llvm.123\nffffffffc0000000 t nf_hook\t[nf_tables]\n0000000000000000 D zero\n',
      ),
    read: (content, bytes) => {
      refused(() => kernelSymbols(['_stext', 'do_one', 'zero'], Buffer.from(bytes)));
      refused(() => functionAddresses(new Set(['_stext', 'nf_hook']), content));
      kernelFunctions(content);
      functionsAt([0xffffffff81000004n, 0n], content);
    },
  },
  {
    sample: () =>
      text(
        '36 35 98:0 / /sys/fs/bpf rw,noatime master:1 - bpf bpf rw,mode=700\n1 0 0:1 /a\\040b /c rw - ext3 /dev/root rw\n',
      ),
    read: (content) => parseMountInfo(content),
  },
  { sample: () => text('0-3,8,10-11\n'), read: (content) => refused(() => countCpus(content)) },
  {
    sample: () =>
      text(
        '55d0c8a00000-55d0c8a01000 r-xp 00001000 fe:00 131 /usr/bin/true\n7ffd000-7ffe000 rw-p 00000000 00:00 0 [stack]\n',
      ),
    read: (content) => codeMappings(content),
  },
  {
    sample: () => {
      const entry = Buffer.alloc(24);
      entry.writeInt32LE(0x0303);
      entry.writeUInt32LE(72, 4);
      entry.writeUInt32LE(82, 8);
      const header = Buffer.alloc(28);
      header.writeUInt32LE(1);
      return new Uint8Array(
        Buffer.concat([
          Buffer.from('glibc-ld.so.cache1.1'),
          header,
          entry,
          Buffer.from('libc.so.6\0/lib/libc.so.6\0'),
        ]),
      );
    },
    read: (_, bytes) => void libraryInCache(bytes, 'libc.so.6', 'x64'),
  },
  {
    sample: () => Uint8Array.from([4, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 0x47, 0x4e, 0x55, 0, 1, 2, 3, 4]),
    read: (_, bytes) => void buildIdOf(bytes),
  },
];

export const systemFiles: Target = {
  name: 'system-files',
  what: 'kconfig, kallsyms, mountinfo, maps of a process, lists of CPUs, ld.so.cache, notes with a build id',
  rooms: ['kconfig', 'kallsyms', 'mountinfo', 'CPUs', 'maps', 'ld.so.cache', 'notes'],
  sources: [
    ...['kconfig', 'kallsyms', 'mounts', 'cpus', 'identity'].map(
      (name) => `packages/loader/src/kernel/${name}.ts`,
    ),
    ...['ld-cache', 'usdt-addresses'].map((name) => `packages/loader/src/attach/${name}.ts`),
  ],
  seeds: () => readers.map(({ sample }, i) => new Uint8Array([i, ...sample()])),
  mutate: rarely(
    4,
    anyBytes,
    textMutator([
      'CONFIG_',
      '=',
      ' - ',
      'fe:00',
      ' T ',
      'r-xp',
      '/',
      '-',
      ',',
      '\\040',
      '0000000000000000',
      '[x]',
    ]),
  ),
  run(input, past) {
    const reader = readers[input[0] ?? 0];
    if (reader === undefined) return;
    const bytes = input.subarray(1);
    reader.read(Buffer.from(bytes).toString('utf8'), bytes);
    past(input[0] ?? 0);
  },
};

function text(content: string): Uint8Array {
  return new Uint8Array(Buffer.from(content));
}

function refused(read: () => void): void {
  try {
    read();
  } catch (error) {
    if ((error as Error).name !== 'BpfError') throw error;
  }
}

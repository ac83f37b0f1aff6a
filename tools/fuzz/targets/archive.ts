import { gzipSync } from 'node:zlib';
import { readBtfHub } from '../../../packages/deploy/src/verify/btfhub';
import { decompress } from '../../../packages/deploy/src/verify/decompress';
import { readKernelImage } from '../../../packages/deploy/src/verify/kernel-image';
import { anyBytes, inflate, rarely, several } from '../mutate/bytes';
import { seedBtf } from '../seeds/btf';
import { tarOf } from '../seeds/tar';
import { type Target } from '../target';

export const archive: Target = {
  name: 'archive',
  what: 'kernel images, archives of BTFHub, compressed files',
  rooms: ['decompressed', 'kernel image', 'BTFHub'],
  sources: ['lz4', 'decompress', 'kernel-image', 'btfhub'].map(
    (name) => `packages/deploy/src/verify/${name}.ts`,
  ),
  async seeds() {
    const btf = (await seedBtf())[0]!;
    return [
      lz4Of(btf),
      new Uint8Array(gzipSync(btf)),
      new Uint8Array(tarOf([['6.1.0.btf', btf]])),
      bzImage(lz4Of(btf)),
      btf,
      new Uint8Array(Buffer.concat([Buffer.from('Linux version 6.1.0 (x)'), btf])),
    ];
  },
  mutate: rarely(500, inflate, several(anyBytes)),
  async run(input, past) {
    // xz and zstd are commands of their own: a process for each input says little about us.
    if (input[0] === 0xfd || input[0] === 0x28) return;
    let room = 0;
    for (const read of [
      () => decompress(input, 'fuzz'),
      () => readKernelImage(input, 'fuzz'),
      () => readBtfHub(input, 'fuzz'),
    ]) {
      try {
        await read();
        past(room);
      } catch (error) {
        if ((error as Error).name !== 'BpfError') throw error;
      }
      room++;
    }
  },
};

/** The legacy frame with one block of nothing but literals. */
function lz4Of(bytes: Uint8Array): Uint8Array {
  const more = bytes.length - 15;
  const lengths = [0xf0, ...new Array<number>(Math.floor(more / 255)).fill(255), more % 255];
  const block = Buffer.concat([Uint8Array.from(lengths), bytes]);
  const head = Buffer.from([0x02, 0x21, 0x4c, 0x18, 0, 0, 0, 0]);
  head.writeUInt32LE(block.length, 4);
  return new Uint8Array(Buffer.concat([head, block]));
}

function bzImage(payload: Uint8Array): Uint8Array {
  const setup = Buffer.alloc(1024);
  setup[0x1f1] = 1;
  setup.write('HdrS', 0x202, 'latin1');
  setup.writeUInt16LE(0x20f, 0x206);
  setup.writeUInt32LE(0, 0x248);
  setup.writeUInt32LE(payload.length + 4, 0x24c);
  return new Uint8Array(Buffer.concat([setup, payload, Buffer.alloc(4)]));
}

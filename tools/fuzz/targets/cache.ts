import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { RelocationCache } from '../../../packages/deploy/src/cache';
import { BpfError } from '../../../packages/loader/src/errors';
import { parseObject } from '../../../packages/loader/src/object';
import { encodeRelocated, relocateObject, RELOCATED_VERSION } from '../../../packages/loader/src/relocate';
import { ownFolder } from '../folder';
import { anyBytes, rarely } from '../mutate/bytes';
import { textMutator } from '../mutate/text';
import { joined, split } from '../parts';
import { useRelocated } from '../relocated';
import { seedObjects } from '../seeds/objects';
import { type Target } from '../target';
import { kernelOf } from './object';

const key = 'fuzz';
const prefix = 16;

/**
 * The input: the circumstances, the JSON of a relocated object, its byte strings. Lengths, version and digest around
 * them are right, as whoever can write into the folder can make them.
 */
export const cache: Target = {
  name: 'cache',
  what: "the relocation cache's files, with the right digest",
  rooms: ['read', 'used'],
  sources: [
    'packages/deploy/src/cache/relocation-cache.ts',
    'decode',
    'shape',
    'relocated-shape',
    'encode',
  ].map((name) => (name.includes('/') ? name : `packages/loader/src/relocate/${name}.ts`)),
  seeds: async () =>
    (await seedObjects()).flatMap(({ bytes }) => {
      const spec = parseObject(bytes, { name: 'seed' });
      try {
        const stored = encodeRelocated(relocateObject(spec, kernelOf(spec)));
        const length = new DataView(stored.buffer).getUint32(12, true);
        return [
          joined(
            '{"kconfig":"1"}',
            stored.subarray(prefix, prefix + length),
            stored.subarray(prefix + length),
          ),
        ];
      } catch {
        return [];
      }
    }),
  mutate: rarely(
    3,
    anyBytes,
    textMutator([
      'null',
      '[]',
      '{}',
      '"',
      ',',
      ':',
      'true',
      'false',
      '[0,8]',
      '"inner":',
      '"kind":"data"',
      '"insn":',
      '"data":[0,4]',
      '"valueSize":',
      '"slots":',
    ]),
  ),
  run(input, past) {
    const folder = path.join(ownFolder(), 'cache');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(path.join(folder, `${key}.2`), entryOf(input), { mode: 0o600 });
    const { relocated } = new RelocationCache(folder).get(key, { kconfig: () => '1' }, () => {
      throw missed;
    });
    past(0);
    useRelocated(relocated);
    past(1);
  },
};

const missed = new BpfError('RELOCATED_MALFORMED', 'the entry was not used');

function entryOf(input: Uint8Array): Buffer {
  const [circumstances, json, blobs] = split(input, 3);
  const header = Buffer.alloc(prefix);
  header.write('nxbpfrel', 'latin1');
  header.writeUInt32LE(RELOCATED_VERSION, 8);
  header.writeUInt32LE(json!.length, 12);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(circumstances!.length);
  const rest = Buffer.concat([length, circumstances!, header, json!, blobs!]);
  return Buffer.concat([createHash('sha256').update(rest).digest(), rest]);
}

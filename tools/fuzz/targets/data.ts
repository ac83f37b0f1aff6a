import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Problems, readDataFile } from '../../../packages/deploy/src/manifest';
import { encodeEntries } from '../../../packages/deploy/src/maps/encoded-entries';
import { writtenEntries } from '../../../packages/deploy/src/maps/written-entries';
import { type ProjectConfig } from '../../../packages/deploy/src/manifest';
import { Btf, BtfBuilder } from '../../../packages/loader/src/btf';
import { MapType } from '../../../packages/loader/src/object';
import { ownFolder } from '../folder';
import { textMutator } from '../mutate/text';
import { type Target } from '../target';

const samples = [
  '- { key: 10.0.0.0/8, value: { action: 1, hits: 0 } }\n- { key: 192.0.2.1/32, value: { action: 2 } }\n',
  '[{"key": "2001:db8::/32", "value": {"action": 1}}]\n',
  '10.1.0.0/16: { action: 7, hits: 18446744073709551615 }\n10.2.0.0/16: { action: 1 }\n',
  '- 10.0.0.0/8\n- 10.1.0.0/16\n',
];

export const data: Target = {
  name: 'data',
  what: 'files of data that maps get their contents from',
  rooms: ['YAML', 'entries', 'bytes'],
  sources: ['read-data', 'read-yaml', 'yaml-depth', 'located']
    .map((name) => `packages/deploy/src/manifest/${name}.ts`)
    .concat(['written-entries', 'encoded-entries'].map((name) => `packages/deploy/src/maps/${name}.ts`)),
  seeds: () => samples.map((text) => new Uint8Array(Buffer.from(text))),
  mutate: textMutator([
    '&a',
    '*a',
    '!!x',
    '<<',
    '? ',
    '- ',
    ': ',
    '{',
    '}',
    '[',
    ']',
    '10.0.0.0/8',
    '::',
    '/33',
    'key',
    'value',
    'action',
    'hits',
    '0x',
    '|',
    '>',
    '"',
  ]),
  run(input, past) {
    const workspaceRoot = ownFolder();
    const file = path.join(workspaceRoot, 'data.yaml');
    writeFileSync(file, input);
    const problems = new Problems();
    if (readDataFile(workspaceRoot, file, problems) !== undefined) past(0);
    const config = { workspaceRoot, maps: {}, origins: {} } as unknown as ProjectConfig;
    const entries = writtenEntries(config, { from: { file }, at: 'maps.blocklist.contents' }, problems);
    if (!problems.any) past(1);
    encodeEntries(entries, shape, problems);
    problems.throwIfAny();
    past(2);
  },
};

const shape = makeShape();

function makeShape(): Parameters<typeof encodeEntries>[1] {
  const builder = new BtfBuilder();
  const u32 = builder.int('unsigned int', 4, 0);
  const u64 = builder.int('unsigned long', 8, 0);
  const typeId = builder.struct('verdict', 16, [
    { name: 'action', type: u32, bitOffset: 0 },
    { name: 'hits', type: u64, bitOffset: 64 },
  ]);
  const btf = Btf.parse(builder.build());
  return {
    name: 'blocklist',
    type: MapType.lpm_trie,
    keySize: 8,
    valueSize: 16,
    maxEntries: 1024,
    btf,
    keyTypeId: 0,
    valueTypeId: typeId,
  };
}

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readBundle } from '../../../packages/deploy/src/bundle';
import { encodeConfig } from '../../../packages/deploy/src/bundle/portable-config';
import { type ContentsConfig, wantedOf, loadProject, namedBy } from '../../../packages/deploy/src/manifest';
import { sha256 } from '../../../packages/deploy/src/toolchain';
import { ownFolder } from '../folder';
import { anyBytes, rarely } from '../mutate/bytes';
import { textMutator } from '../mutate/text';
import { joined, split, textOf } from '../parts';
import { tarOf } from '../seeds/tar';
import { type Target } from '../target';

/** Marks an input that is an archive as it stands. */
const RAW = 0xfe;
/** Stands for the digest of the object in the bundle. */
const DIGEST = '$digest';

const manifest = `version: 1
objects: { edge: { source: src/edge.bpf.c, constants: { limit: 18446744073709551615 } } }
maps: { hits: { maxEntries: 16, contents: { values: { "1": 2 } } } }
programs: { guard: { object: edge, attach: [{ id: up, xdp: { interface: eth0 } }] } }
`;

export const bundle: Target = {
  name: 'bundle',
  what: 'bundles: archives whose digests are right, and archives as they come',
  rooms: ['read', 'configuration used'],
  sources: [
    'packages/deploy/src/bundle/read-bundle.ts',
    'packages/deploy/src/bundle/portable-config.ts',
    'packages/deploy/src/bundle/check-config.ts',
  ],
  seeds: () => {
    const index = JSON.stringify(indexOf(sampleConfig()));
    const raw = archiveOf(joined(index, 'object'));
    return [joined(index, 'object'), new Uint8Array(Buffer.concat([Uint8Array.of(RAW), raw]))];
  },
  mutate: rarely(
    4,
    anyBytes,
    textMutator([
      'null',
      '[]',
      '{}',
      '"',
      '\\"',
      ',',
      ':',
      '..',
      '/',
      '$path',
      '$bigint',
      'objects/',
      'data/',
      DIGEST,
      '\\u0000',
      'sha256',
      'relocations',
      'format',
    ]),
  ),
  async run(input, past) {
    const file = path.join(ownFolder(), 'bundle.nxbpf');
    writeFileSync(file, input[0] === RAW ? input.subarray(1) : archiveOf(input));
    const opened = await readBundle(file);
    try {
      past(0);
      encodeConfig(opened.config, new Map());
      // What apply does first: constants, contents and attachments are gone through.
      const { programs, objects, maps } = opened.config;
      for (const name of Object.keys(objects)) wantedOf(opened.config, name);
      for (const { attach, variants } of Object.values(programs))
        for (const entry of [...attach, ...variants.flatMap((each) => each.attach)]) namedBy(entry, 'map');
      for (const { contents } of Object.values(maps)) if (contents !== undefined) readContents(contents.from);
      past(1);
    } finally {
      opened.close();
    }
  },
};

function readContents(from: ContentsConfig['from']): string {
  return 'file' in from ? from.file : typeof from.values;
}

/** The archive of an index and an object, sealed with the digests that the index should have of it. */
function archiveOf(input: Uint8Array): Buffer {
  const [index, object] = split(input, 2);
  const text = Buffer.from(textOf(index!).replaceAll(DIGEST, sha256(object!)));
  return tarOf([
    ['bundle.json', text],
    ['bundle.sha256', Buffer.from(`${sha256(text)}\n`)],
    ['objects/edge.bpf.o', object!],
  ]);
}

function indexOf(config: string): unknown {
  return {
    format: 1,
    project: 'a',
    environment: 'dev',
    config,
    objects: [{ name: 'edge', file: 'objects/edge.bpf.o', sha256: DIGEST, sources: 's', toolchain: 't' }],
    lock: { clang: '', vmlinux: null, objects: {} },
    relocations: [],
    files: { 'objects/edge.bpf.o': DIGEST },
  };
}

function sampleConfig(): string {
  const workspaceRoot = path.join(ownFolder(), 'sample');
  mkdirSync(path.join(workspaceRoot, 'a'), { recursive: true });
  writeFileSync(path.join(workspaceRoot, 'a/bpf.config.yaml'), manifest);
  return encodeConfig(loadProject({ workspaceRoot, project: 'a', variables: {} }), new Map());
}

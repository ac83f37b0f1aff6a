import { isDeepStrictEqual } from 'node:util';
import { namedBy } from '../../../packages/deploy/src/manifest';
import { decodeLedger, encodeLedger, type Ledger } from '../../../packages/deploy/src/state/ledger';
import { anyBytes, rarely } from '../mutate/bytes';
import { textMutator } from '../mutate/text';
import { Broken, type Target } from '../target';

const digest = 'e4f18d9dc1d0e6fc2b17e93e885a647b3c0a6fc1e4f18d9dc1d0e6fc2b17e93e';

const sample: Ledger = {
  format: 2,
  project: 'agent',
  environment: 'dev',
  generation: 3,
  rolledBackFrom: null,
  revision: digest,
  committed: '2026-01-02T03:04:05.000Z',
  kernel: digest.slice(0, 40),
  objects: [{ name: 'edge', object: digest, constants: digest, sources: digest, toolchain: null }],
  programs: [
    {
      ...{
        name: 'edge_guard',
        object: 'edge',
        function: 'edge_guard',
        section: 'xdp',
        type: 'xdp',
        insns: 153,
      },
      ...{
        instructions: digest,
        maps: ['hits'],
        id: 7,
        tag: '7dae39f178acd9cd',
        attachType: 37,
        attachTarget: null,
      },
      ...{ verified: 556, translated: digest, since: 1 },
    },
  ],
  maps: [
    {
      ...{
        name: 'hits',
        id: 9,
        pin: '/sys/fs/bpf/nx-bpf/agent/dev/maps/hits',
        object: 'edge',
        slots: ['0=inner'],
        frozen: null,
      },
      ...{
        protect: false,
        adopted: false,
        since: 1,
        type: 'hash',
        keySize: 4,
        valueSize: 8,
        maxEntries: 16,
        flags: 0,
        abi: digest,
      },
      ...{ key: [{ path: '', type: '__u32', bitOffset: 0, bits: 32 }], value: null },
    },
  ],
  links: [
    {
      ...{
        id: 'uplink',
        program: 'edge_guard',
        hook: 'xdp',
        target: 'xdp on eth0 (native)',
        spec: digest,
        kernelId: 4,
      },
      ...{ programId: 7, neighbours: [7] },
      entry: {
        id: 'uplink',
        optional: false,
        replace: 'make-before-break',
        netns: null,
        hook: 'xdp',
        options: { interface: 'eth0' },
      } as never,
    },
  ],
};

/** As the first version wrote it. */
const first = { ...sample, format: 1 } as unknown as Ledger;

export const ledger: Target = {
  name: 'ledger',
  what: 'the ledger: a map in the kernel that anybody with the right to may have written',
  rooms: ['decoded', 'encoded again'],
  sources: ['packages/deploy/src/state/ledger.ts', 'packages/deploy/src/state/ledger-shape.ts'],
  seeds: () => [sample, first].map((one) => new Uint8Array(encodeLedger(one).subarray(8))),
  mutate: rarely(
    10,
    anyBytes,
    textMutator(['null', '[]', '{}', '"', ',', ':', 'true', '"format":1', '"format":2']),
  ),
  run(input, past) {
    // The length in front of the text is right: what is in it is tried here.
    const value = Buffer.alloc(8 + input.length);
    value.writeUInt32LE(0x4c_42_58_4e, 0);
    value.writeUInt32LE(input.length, 4);
    value.set(input, 8);
    const decoded = decodeLedger(value, 'ledger');
    past(0);
    // What plan, status and destroy do with one.
    for (const { entry } of decoded.links) namedBy(entry, 'map');
    if (
      !isDeepStrictEqual(decodeLedger(encodeLedger(decoded), 'ledger'), JSON.parse(JSON.stringify(decoded)))
    )
      throw new Broken('a ledger differs once it is written and read again');
    past(1);
  },
};

import fs from 'node:fs';
import path from 'node:path';
import { BpfMap, mapCreate, MapType, possibleCpus } from '@nx-bpf/loader';
import { beforeAll, expect, test } from 'vitest';
import { CommandLine } from '../../../../../tools/testing/command-line';
import { DeploymentFixture } from '../../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../../tools/testing/kernel';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
enum verdict { VERDICT_PASS, VERDICT_DROP = 7 };
struct flow { __u64 packets; __s32 delta; enum verdict verdict; char comm[8]; _Bool seen; unsigned low : 3; unsigned high : 5; };
struct network { __u32 prefixlen; __u8 address[4]; };
struct name { char text[16]; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32); __type(value, struct flow); } flows SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, struct name); __type(value, __u64); } starts_by_command SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u32); } per_cpu SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 8); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, struct network); __type(value, __u32); } blocked SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 2); __uint(value_size, 4); } queue SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
const volatile __u32 limit = 10;
SEC("xdp") int guard(struct xdp_md *ctx)
{
  __u32 key = 0; struct name name = {}; struct network network = {};
  bpf_map_lookup_elem(&flows, &key); bpf_map_lookup_elem(&starts_by_command, &name);
  bpf_map_lookup_elem(&per_cpu, &key); bpf_map_lookup_elem(&blocked, &network);
  bpf_map_pop_elem(&queue, &key); bpf_ringbuf_output(&events, &key, 4, 0);
  return limit ? XDP_PASS : XDP_DROP;
}
`;

kernelSuite('nx-bpf map', (kernel) => {
  const nxBpf = new CommandLine(kernel);
  const deployment = new DeploymentFixture(kernel);
  const pins = (): string => path.join(kernel.bpffs, 'raw', 'maps');
  const pin = (name: string): string => path.join(pins(), name);
  /** Runs on raw pins, which are gone afterwards. */
  const loaded = async (use: () => void | Promise<void>): Promise<void> => {
    expect(nxBpf.run('load', file, '--pin', path.dirname(pins()))).toMatchObject({ status: 0 });
    try {
      await use();
    } finally {
      expect(nxBpf.run('unload', path.dirname(pins()))).toMatchObject({ status: 0 });
    }
  };
  let file: string;
  beforeAll(() => {
    file = kernel.compile(source, { name: 'maps' });
  });

  test('values go in as their C type says, and come out typed: 64 bits, enums, text, bitfields', () =>
    loaded(() => {
      const all =
        'packets=18446744073709551615,delta=-5,verdict=VERDICT_DROP,comm=nginx,seen=true,low=5,high=0x1f';
      expect(nxBpf.run('map', 'update', pin('flows'), '7', all)).toMatchObject({ status: 0, stderr: '' });
      const value = {
        packets: '18446744073709551615',
        delta: -5,
        verdict: 'VERDICT_DROP',
        comm: 'nginx',
        seen: true,
        low: 5,
        high: 31,
      };
      expect(nxBpf.json('map', 'lookup', pin('flows'), '7')).toEqual(value);
      const flows = BpfMap.open(pin('flows'));
      expect(flows.lookup(7)).toEqual({ ...value, packets: (1n << 64n) - 1n });

      // What was printed is taken back, also as a number with all its digits.
      expect(nxBpf.run('map', 'update', pin('flows'), '8', JSON.stringify(value)).status).toBe(0);
      expect(nxBpf.run('map', 'update', pin('flows'), '9', '{"packets":9007199254740993}').status).toBe(0);
      expect(flows.lookup(8)).toEqual(flows.lookup(7));
      expect(flows.lookup(9)).toMatchObject({ packets: 9007199254740993n });
      flows.close();

      const dumped = nxBpf.json('map', 'dump', pin('flows')) as { key: number; value: object }[];
      expect(dumped.sort((a, b) => a.key - b.key)).toEqual([
        { key: 7, value },
        { key: 8, value },
        expect.objectContaining({ key: 9 }),
      ]);
      expect(nxBpf.run('map', 'lookup', pin('flows'), '9').stdout).toContain(
        'packets: 9007199254740993, delta: 0',
      );
      expect(nxBpf.run('map', 'delete', pin('flows'), '8').status).toBe(0);
      expect(nxBpf.json('map', 'dump', pin('flows'))).toHaveLength(2);
    }));

  test('structs of one field, networks, per-CPU values, and variables of a section', () =>
    loaded(() => {
      expect(nxBpf.run('map', 'update', pin('starts_by_command'), 'bash', '3').status).toBe(0);
      expect(nxBpf.json('map', 'dump', pin('starts_by_command'))).toEqual([
        { key: { text: 'bash' }, value: 3 },
      ]);
      expect(nxBpf.json('map', 'lookup', pin('starts_by_command'), 'text=bash')).toBe(3);

      expect(nxBpf.run('map', 'update', pin('blocked'), '10.0.0.0/8', '1').status).toBe(0);
      expect(nxBpf.run('map', 'dump', pin('blocked')).stdout).toBe('10.0.0.0/8  1\n');
      expect(nxBpf.json('map', 'dump', pin('blocked'))).toEqual([
        { key: { prefixlen: 8, address: [10, 0, 0, 0] }, value: 1 },
      ]);

      const cpus = possibleCpus();
      const each = Array.from({ length: cpus }, (_, cpu) => cpu + 1);
      expect(nxBpf.run('map', 'update', pin('per_cpu'), '0', '5').status).toBe(0);
      expect(nxBpf.run('map', 'update', pin('per_cpu'), '1', JSON.stringify(each)).status).toBe(0);
      expect(nxBpf.json('map', 'dump', pin('per_cpu'))).toEqual([
        { key: 0, value: each.map(() => 5) },
        { key: 1, value: each },
      ]);
      expect(nxBpf.run('map', 'lookup', pin('per_cpu'), '1').stdout).toMatch(/^cpu 0: 1\n/);

      expect(nxBpf.json('map', 'dump', pin('maps_rodata'))).toEqual([{ key: 0, value: { limit: 10 } }]);
    }));

  test('without BTF: bytes and integers; a queue gives what comes next', () =>
    loaded(() => {
      expect(nxBpf.run('map', 'update', pin('queue'), 'hex:0a0b0c0d').status).toBe(0);
      expect(nxBpf.run('map', 'update', pin('queue'), '258').status).toBe(0);
      expect(nxBpf.json('map', 'lookup', pin('queue'))).toBe('0a 0b 0c 0d');
      expect(nxBpf.run('map', 'delete', pin('queue')).stdout).toBe('0a 0b 0c 0d\n');
      expect(nxBpf.run('map', 'delete', pin('queue')).stdout).toBe('02 01 00 00\n');
      expect(nxBpf.run('map', 'delete', pin('queue'))).toMatchObject({
        status: 1,
        stderr: expect.stringContaining("KEY_NOT_FOUND: map 'queue' is empty") as string,
      });

      const plain = new BpfMap(
        mapCreate({ map_type: MapType.hash, key_size: 4, value_size: 3, max_entries: 2 }),
      );
      plain.pin(pin('plain'));
      expect(nxBpf.run('map', 'update', pin('plain'), '1', '01 02 ff').status).toBe(0);
      expect(nxBpf.json('map', 'dump', pin('plain'))).toEqual([{ key: '01 00 00 00', value: '01 02 ff' }]);
      expect(nxBpf.run('map', 'dump', String(plain.id)).stdout).toBe('01 00 00 00  01 02 ff\n');
      fs.rmSync(pin('plain'));
      plain.close();
    }));

  test('PROJECT/NAME: by the full name that the ledger has', async () => {
    deployment.reset();
    deployment.manifest(
      'version: 1\nobjects: { maps: { source: maps.bpf.c } }\nprograms: { guard: { object: maps } }\n',
    );
    fs.writeFileSync(path.join(deployment.workspace, 'p', 'maps.bpf.c'), source);
    await deployment.apply([{ name: 'maps', file }]);
    const options = ['--root', deployment.root];
    expect(nxBpf.run('map', 'update', 'p/starts_by_command', 'bash', '4', ...options).status).toBe(0);
    expect(nxBpf.json('map', 'lookup', 'p@dev/starts_by_command', 'bash', ...options)).toBe(4);
    // Found through `current`, as by an apply.
    fs.rmSync(deployment.layout.ledger);
    expect(nxBpf.json('map', 'lookup', 'p/starts_by_command', 'bash', ...options)).toBe(4);
    expect(nxBpf.run('map', 'dump', 'p/starts_by_comand', ...options)).toMatchObject({
      status: 5,
      stderr: expect.stringContaining(
        "p@dev has no map 'starts_by_comand'; did you mean starts_by_command?",
      ) as string,
    });
    expect(nxBpf.run('map', 'dump', 'p@prod/flows', ...options).stderr).toContain('it is in dev');
    expect(nxBpf.run('map', 'dump', 'q/flows', ...options).stderr).toContain('did you mean p?');
    fs.rmSync(deployment.root, { recursive: true });
  });

  test('watch prints what comes, changes and goes, and ends when it is interrupted', () =>
    loaded(async () => {
      const blocked = BpfMap.open(pin('blocked'));
      blocked.update('10.0.0.0/8', 1);
      const watching = nxBpf.start('map', 'watch', pin('blocked'), '--interval', '20', '--json');
      await watching.until('stderr', /1 elements; watching/);
      blocked.update('192.0.2.0/24', 2);
      await watching.until('stdout', /added/);
      blocked.update('10.0.0.0/8', 3);
      await watching.until('stdout', /changed/);
      blocked.delete('192.0.2.0/24');
      await watching.until('stdout', /removed/);
      blocked.close();
      const { status, stdout } = await watching.interrupt();
      expect(status).toBe(0);
      const test = { prefixlen: 24, address: [192, 0, 2, 0] };
      expect(
        stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown),
      ).toEqual([
        { change: 'added', key: test, value: 2 },
        { change: 'changed', key: { prefixlen: 8, address: [10, 0, 0, 0] }, value: 3, previous: 1 },
        { change: 'removed', key: test, previous: 2 },
      ]);
    }));

  test('who reads only the start of a dump ends it', () =>
    loaded(() => {
      const { stdout, stderr, status } = nxBpf.runAs(
        ['bash', '--norc', '-c', 'set -o pipefail; "$@" | head -c 1', 'bash'],
        ...['map', 'dump', pin('per_cpu'), '--json'],
      );
      expect({ stdout, stderr, status }).toEqual({ stdout: '[', stderr: '', status: 0 });
    }));

  test('a long dump waits for who reads it, and is whole', () => {
    const count = 100_000;
    const large = new BpfMap<Uint8Array, Uint8Array>(
      mapCreate({ map_type: MapType.hash, key_size: 4, value_size: 8, max_entries: count }),
    );
    const pin = path.join(kernel.bpffs, 'large');
    large.pin(pin);
    large.raw.updateBatch(
      Array.from({ length: count }, (_, i) => [
        Uint8Array.from(Buffer.from(Uint32Array.of(i).buffer)),
        new Uint8Array(8),
      ]),
    );
    large.close();
    const { stdout, stderr } = nxBpf.runAs(
      ['bash', '--norc', '-c', '"$@" | (sleep 0.3; cat)', 'bash'],
      ...['map', 'dump', pin, '--json'],
    );
    fs.rmSync(pin);
    expect(stderr).toBe('');
    expect(new Set((JSON.parse(stdout) as { key: string }[]).map(({ key }) => key)).size).toBe(count);
  });

  test('what is wrong, and what to do', () =>
    loaded(() => {
      const mistakes: [string[], number, string][] = [
        [['lookup', 'flows', '1'], 1, "map 'flows' has no element with the key 1"],
        [['lookup', 'flows', 'x'], 3, 'an integer from 0 to 4294967295'],
        [['update', 'flows', '1', 'packet=1'], 3, "'packet'; did you mean packets?"],
        [['update', 'flows', '1', 'verdict=VERDICT_DORP'], 3, 'VERDICT_DROP'],
        [['update', 'flows', '1', '{'], 3, 'expected JSON'],
        [['update', 'flows', '1', 'packets=1', '--mode', 'exsting'], 3, 'did you mean existing?'],
        [['update', 'flows', '1', 'packets=1', '--mode', 'existing'], 1, 'no element with this key'],
        [['update', 'queue', '12 34 56'], 3, "found '3 bytes', expected 4 bytes"],
        [['dump', 'queue'], 5, 'map lookup'],
        [['dump', 'events'], 5, 'nx-bpf events'],
        [['dump', 'flow'], 8, 'maps/flows?'],
      ];
      for (const [[command, name, ...rest], status, text] of mistakes) {
        const ended = nxBpf.run('map', command!, pin(name!), ...rest);
        expect(ended.stderr).toContain(text);
        expect(ended.status).toBe(status);
      }
    }));

  test('without privileges it says which are missing', () => {
    const { status, stderr } = nxBpf.runAs(
      ['setpriv', '--reuid', '65534', '--clear-groups'],
      'map',
      'dump',
      '1',
    );
    expect(stderr).toContain('CAP_SYS_ADMIN');
    expect(status).toBe(9);
  });
});

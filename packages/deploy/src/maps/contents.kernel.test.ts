import fs from 'node:fs';
import path from 'node:path';
import { BpfMap, mapCreate, parseObject, possibleCpus, type MapSpec } from '@nx-bpf/loader';
import { beforeEach, expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { loadProject, Problems } from '../manifest';
import {
  contentsOf,
  differenceOf,
  restoreContents,
  shapeOfSpec,
  writeContents,
  type Contents,
} from './index';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
enum verdict { PASS, DROP };
struct rule { enum verdict verdict; __u32 peer; __u8 mac[6]; __u64 hits; char name[8]; };
struct net { __u32 prefixlen; __u8 address[4]; };
struct flow { __be32 address; __u16 ports[2]; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, struct rule); } rules SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 8); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, struct net); __type(value, enum verdict); } nets SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, struct flow); __type(value, __u64); } flows SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u16); } ports SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u32); } limits SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
SEC("xdp") int entry(void *ctx) {
  return bpf_map_lookup_elem(&rules, ctx) || bpf_map_lookup_elem(&nets, ctx) || bpf_map_lookup_elem(&flows, ctx) ||
    bpf_map_lookup_elem(&ports, ctx) || bpf_map_lookup_elem(&limits, ctx) || bpf_ringbuf_query(&events, 0);
}
`;

kernelSuite('contents of maps', (kernel) => {
  const workspace = (): string => path.join(kernel.directory, 'ws');
  let specs: ReturnType<typeof parseObject> | undefined;
  const object = () =>
    (specs ??= parseObject(fs.readFileSync(kernel.compile(source, { name: 'rules' })), { name: 'rules' }));
  const specOf = (name: string): MapSpec => object().maps.find((map) => map.name === name)!;

  beforeEach(() => {
    fs.rmSync(workspace(), { recursive: true, force: true });
    fs.mkdirSync(path.join(workspace(), 'p'), { recursive: true });
  });
  /** @param text of a data file, or of `contents` itself */
  const read = (
    name: string,
    mode: string,
    text: string,
    file = 'data.yaml',
  ): { contents: Contents; problems: string[] } => {
    fs.writeFileSync(path.join(workspace(), 'p', file), text);
    const manifest = `version: 1\nenvironments: { dev: {} }\nmaps: { ${name}: { contents: { mode: ${mode}, file: ${file} } } }\n`;
    fs.writeFileSync(path.join(workspace(), 'p', 'bpf.config.yaml'), manifest);
    const config = loadProject({ workspaceRoot: workspace(), project: 'p', environment: 'dev' });
    const problems = new Problems();
    const contents = contentsOf(config, shapeOfSpec(specOf(name), object().btf, name), problems)!;
    return { contents, problems: problems.lines() };
  };
  const create = (name: string): BpfMap => {
    const spec = specOf(name);
    const { type, keySize, valueSize, maxEntries, flags, keyTypeId, valueTypeId } = spec;
    const sizes = { key_size: keySize, value_size: valueSize, max_entries: maxEntries };
    return new BpfMap(mapCreate({ map_type: type, ...sizes, map_flags: flags }), {
      ...{ name, btf: object().btf, keyTypeId, valueTypeId },
    });
  };
  const entries = (map: BpfMap): [unknown, unknown][] =>
    [...map.entries()].sort(([a], [b]) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

  test('merge: what is listed is written, fields that are not mentioned stay', () => {
    const { contents, problems } = read(
      'rules',
      'merge',
      '10.0.0.1: { verdict: DROP, peer: 192.0.2.1, mac: 02:42:ac:11:00:02, name: first }\n0x20: { verdict: 1 }\n7:\n',
    );
    expect(problems).toEqual([]);
    const map = create('rules');
    map.update(0x20, { verdict: 'PASS', hits: 5 });
    map.update(99, { hits: 1 });
    const difference = differenceOf(contents, map);
    expect(difference).toMatchObject({ added: 2, changed: 1, removed: 0 });
    writeContents(map, difference);
    expect(map.lookup(0x0100000a)).toEqual({
      ...{ verdict: 'DROP', peer: 0x010200c0, mac: [2, 0x42, 0xac, 0x11, 0, 2], hits: 0, name: 'first' },
    });
    expect(map.lookup(0x20)).toMatchObject({ verdict: 'DROP', hits: 5 });
    expect(map.lookup(7)).toMatchObject({ verdict: 'PASS', hits: 0 });
    expect(map.lookup(99)).toMatchObject({ hits: 1 });
    // What programs count is no difference.
    map.update(0x20, { verdict: 'DROP', hits: 6 });
    expect(differenceOf(contents, map)).toMatchObject({ added: 0, changed: 0, removed: 0, writes: [] });

    restoreContents(map, difference);
    expect(map.lookup(0x20)).toMatchObject({ verdict: 'PASS', hits: 5 });
    expect(map.lookup(7)).toBeUndefined();
    map.close();
  });

  test('exact: others are removed, even where the map is full; networks and their verdicts', () => {
    const { contents, problems } = read(
      'nets',
      'exact',
      JSON.stringify([
        { key: '10.0.0.0/8', value: 'DROP' },
        { key: '192.0.2.7', value: 'DROP' },
        { key: { prefixlen: 16, address: '172.16.0.0' }, value: 0 },
      ]),
      'data.json',
    );
    expect(problems).toEqual([]);
    const map = create('nets');
    for (let i = 0; i < 8; i++) map.update(`10.${i}.0.0/16`, 'PASS');
    const before = entries(map);
    const difference = differenceOf(contents, map);
    expect(difference).toMatchObject({ added: 3, changed: 0, removed: 8 });
    writeContents(map, difference);
    expect(entries(map)).toHaveLength(3);
    expect(map.lookup('192.0.2.7/32')).toBe('DROP');
    expect(differenceOf(contents, map)).toMatchObject({ added: 0, changed: 0, removed: 0 });
    restoreContents(map, difference);
    expect(entries(map)).toEqual(before);
    map.close();
  });

  test('exact in arrays: elements that nobody wrote down are zero; each CPU gets the same', () => {
    const ports = create('ports');
    ports.update(3, 9);
    const wanted = read('ports', 'exact', '0: 80\n1: 443\n').contents;
    const difference = differenceOf(wanted, ports);
    expect(difference).toMatchObject({ added: 2, changed: 0, removed: 1 });
    writeContents(ports, difference);
    expect([...ports.entries()]).toEqual([
      [0, 80],
      [1, 443],
      [2, 0],
      [3, 0],
    ]);
    restoreContents(ports, difference);
    expect([...ports.entries()]).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
      [3, 9],
    ]);
    ports.close();

    const limits = create('limits');
    writeContents(limits, differenceOf(read('limits', 'merge', '- { key: 1, value: 7 }\n').contents, limits));
    expect(limits.lookup(1)).toEqual(new Array(possibleCpus()).fill(7));
    limits.close();
  });

  test('what does not fit is said at its line and column, all of it', () => {
    expect(
      read('rules', 'merge', '1: { verdict: DORP }\n2: { peer: 10.0.0.256, hit: 1 }\n 3: 4\n').problems,
    ).toEqual([expect.stringMatching(/^p\/data.yaml:3:\d+: /)]);
    const { problems } = read(
      'rules',
      'merge',
      [
        '1: { verdict: DORP }',
        '2: { hit: 1 }',
        '3: { mac: [1, 2, 300] }',
        'eth0: {}',
        '"03": {}',
        '4294967296: {}',
      ].join('\n'),
    );
    expect(problems).toEqual([
      "p/data.yaml:1:15: value.verdict does not fit its C type 'enum verdict': found 'DORP', expected a name of the enum or an integer; did you mean DROP?",
      "p/data.yaml:2:4: value: 'struct rule' has no field: found 'hit'; did you mean hits?",
      "p/data.yaml:3:18: value.mac[2] does not fit its C type '__u8': found 300, expected 0 to 255",
      "p/data.yaml:4:1: key does not fit its C type '__u32': found 'eth0', expected an integer from 0 to 4294967295",
      'p/data.yaml:5:1: key 03 is that of line 3 too',
      "p/data.yaml:6:1: key does not fit its C type '__u32': found '4294967296', expected 0 to 4294967295",
    ]);
    expect(read('nets', 'merge', '10.0.0.0/33: DROP\n').problems).toEqual([
      "p/data.yaml:1:1: '10.0.0.0/33' is no key of this LPM trie: expected an IPv4 network such as 10.0.0.0/8",
    ]);
    expect(
      read('flows', 'merge', '- key: { address: 10.0.0.1, ports: [1, 2, 3] }\n- { kye: 1 }\n').problems,
    ).toEqual([
      expect.stringMatching(/^p\/data.yaml:1:36: key.ports does not fit its C type/),
      "p/data.yaml:2:3: found 'kye', expected { key, value }",
    ]);
    expect(read('ports', 'merge', '4: 1\n').problems).toEqual([
      'p/data.yaml:1:1: no index of the array: found 4, expected from 0 to 3',
    ]);
    expect(read('rules', 'merge', '1:\n2:\n3:\n4:\n5:\n').problems).toEqual([
      "p/data.yaml:1:1: map 'rules' has room for 4 entries (max_entries), and these are 5",
    ]);
    expect(read('events', 'merge', '1: 2\n').problems).toEqual([
      "p/data.yaml:1:1: map 'events': entries of its type cannot be written from data",
    ]);
  });
});

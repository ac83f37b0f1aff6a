import fs from 'node:fs';
import path from 'node:path';
import { BpfMap, Program, type BpfError } from '@nx-bpf/loader';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeploymentFixture, type NamedObject } from '../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { destroy, rollback } from './index';

/** Counts packets by the first byte of the destination MAC address; variables count them too. */
const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
#ifndef VALUE
#define VALUE __u32 errors; __u64 packets;
#endif
#ifndef TOTAL
#define TOTAL __u32 total = 5
#endif
#ifndef ENTRIES
#define ENTRIES 16
#endif
struct count { VALUE };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, ENTRIES); __type(key, __u32); __type(value, struct count); } counts SEC(".maps");
TOTAL;
int unused_before;
static __u64 seen;
SEC("xdp") int guard(struct xdp_md *ctx) {
  __u8 *data = (void *)(long)ctx->data;
  if (data + 14 > (__u8 *)(long)ctx->data_end) return XDP_ABORTED;
  __u32 key = data[0];
  struct count empty = {}, *value;
  bpf_map_update_elem(&counts, &key, &empty, BPF_NOEXIST);
  value = bpf_map_lookup_elem(&counts, &key);
  if (value) __sync_fetch_and_add(&value->packets, 1);
  __sync_fetch_and_add(&total, 1);
  __sync_fetch_and_add(&seen, 1);
  return VERDICT;
}
`;

kernelSuite('maps whose definition changes', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  beforeEach(() => fixture.reset());
  afterEach(() => fs.rmSync(fixture.root, { recursive: true, force: true }));
  const object = (...flags: string[]): NamedObject[] => [
    { name: 'edge', file: kernel.compile(source, { name: 'edge', flags: ['-DVERDICT=1', ...flags] }) },
  ];
  const manifest = (map: string, carry = '[]'): void =>
    fixture.manifest(`
version: 1
environments: { dev: {} }
objects: { edge: { source: edge.bpf.c, carry: ${carry} } }
maps: { counts: ${map} }
programs: { guard: { object: edge } }
`);
  const undeploy = () => destroy(fixture.load(), () => undefined);
  const grown = '-DVALUE=__u64 packets; __u64 bytes; __u64 errors;';
  const open = (name: string): BpfMap => BpfMap.open(path.join(fixture.layout.maps, name));
  const packets = (count: number, first = 7): void => {
    const program = Program.open(path.join(fixture.layout.current, 'programs', 'guard'));
    program.testRun({ data: new Uint8Array(64).fill(first), repeat: count });
    program.close();
  };
  const failure = (objects: readonly NamedObject[]): Promise<BpfError> =>
    fixture.apply(objects).then(
      () => Promise.reject(new Error('applied')),
      (error: BpfError) => error,
    );
  const value = (key: number): unknown => {
    const map = open('counts');
    try {
      return map.lookup(key);
    } finally {
      map.close();
    }
  };

  test('copy: entries are there in the new layout, and are counted on', async () => {
    manifest('{ migrate: { copy: { fields: { packets: { merge: sum } } } } }');
    await fixture.apply(object());
    packets(10);
    packets(3, 8);
    const { plan, migrations } = await fixture.apply(object(grown));
    expect(plan.maps.find(({ name }) => name === 'counts')).toMatchObject({
      action: 'migrate',
      reasons: ['definition'],
    });
    expect(migrations).toEqual([
      { map: 'counts', copied: 2, created: 0, changed: 0, vanished: 0, conflicts: 0, full: 0 },
    ]);
    expect(fixture.notes).toContain('map counts: 2 entries copied');
    expect(value(0x07)).toEqual({ packets: 10, bytes: 0, errors: 0 });
    packets(5);
    expect(value(0x07)).toEqual({ packets: 15, bytes: 0, errors: 0 });
    expect((await fixture.apply(object(grown))).plan.empty).toBe(true);

    // Back again: a field that goes has to be named.
    expect((await failure(object())).message).toContain("map 'counts': value: bytes: dropped (__u64)");
    await undeploy();
  });

  test('what would be lost is refused with the differences by field, and nothing has changed', async () => {
    manifest('{}');
    await fixture.apply(object());
    packets(4);
    const refused = await failure(object(grown));
    expect(refused.code).toBe('MAP_INCOMPATIBLE');
    expect(refused.message).toContain('value.bytes is new (__u64)');
    manifest('{ migrate: copy }');
    const narrowed = await failure(object('-DVALUE=__u32 packets;'));
    expect(narrowed.message).toContain(
      "map 'counts': value: errors: dropped (__u32), value: packets: narrowed from unsigned long long to unsigned int",
    );
    expect(value(7)).toEqual({ errors: 0, packets: 4 });
    packets(1);
    expect(value(7)).toEqual({ errors: 0, packets: 5 });
    manifest('{ migrate: { copy: { allowDropped: [errors] } } }');
    await fixture.apply(object('-DVALUE=__u64 packets;'));
    expect(value(7)).toEqual({ packets: 5 });
    await undeploy();
  });

  test('a map that has become too small: the old one stays, pinned and in use', async () => {
    manifest('{ migrate: copy }');
    await fixture.apply(object());
    for (let first = 0; first < 8; first++) packets(1, first);
    const before = fixture.pins();
    const error = await failure(object('-DENTRIES=4'));
    expect(error.message).toContain('it has room for 4 elements');
    expect(fixture.pins()).toEqual(before);
    packets(1, 3);
    expect(value(3)).toEqual({ errors: 0, packets: 2 });
    expect((await fixture.apply(object())).plan.empty).toBe(true);
    await undeploy();
  });

  test('a failure after everything was switched: the old map is under its pin, with its entries, and the new one gone', async () => {
    manifest('{ migrate: { copy: { fields: { packets: { merge: sum } } } } }', '{ total: { merge: sum } }');
    const { deployment } = await fixture.apply(object());
    const { id } = deployment.maps.find(({ name }) => name === 'counts')!;
    packets(6);
    const before = fixture.pins();
    const original = fs.renameSync;
    fs.renameSync = (from, to) => {
      if (String(to) === fixture.layout.ledger) throw new Error('no rename');
      original(from, to);
    };
    try {
      await expect(fixture.apply(object(grown))).rejects.toThrow('no rename');
    } finally {
      fs.renameSync = original;
    }
    expect(fixture.pins()).toEqual(before);
    const map = open('counts');
    expect([map.id, map.valueSize]).toEqual([id, 16]);
    map.close();
    packets(1);
    expect(value(7)).toEqual({ errors: 0, packets: 7 });
    await fixture.apply(object(grown));
    expect(value(7)).toEqual({ packets: 7, bytes: 0, errors: 0 });
    await undeploy();
  });

  test('a rollback has the old map again, with what it held when it was left', async () => {
    manifest('{ migrate: copy }');
    await fixture.apply(object());
    packets(6);
    await fixture.apply(object(grown));
    packets(2);
    expect(value(7)).toEqual({ packets: 8, bytes: 0, errors: 0 });
    await rollback(fixture.load(), { note: () => undefined });
    expect(value(7)).toEqual({ errors: 0, packets: 6 });
    packets(1);
    expect(value(7)).toEqual({ errors: 0, packets: 7 });
    await fixture.apply(object(grown));
    expect(value(7)).toEqual({ packets: 7, bytes: 0, errors: 0 });
    await undeploy();
  });

  test('variables are carried over by name and type, in whichever section they are', async () => {
    manifest('{}', '[total, seen]');
    await fixture.apply(object());
    packets(10);
    // `total` was in .data and is in .bss now, and wider.
    const wider = object('-DTOTAL=__u64 total', '-DMORE');
    const { plan } = await fixture.apply(wider);
    expect(plan.maps.map(({ name, action }) => [name, action])).toEqual([
      ['counts', 'keep'],
      ['edge.bss', 'migrate'],
      ['edge.data', 'remove'],
    ]);
    expect(plan.maps[1]!.window).toBe(
      'what programs write to seen, total between the copy and the switch is lost',
    );
    const bss = open('edge_bss');
    const variables = bss.lookup(new Uint8Array(4)) as Record<string, number>;
    bss.close();
    expect(variables).toMatchObject({ total: 15, seen: 10 });
    packets(1);

    const narrow = await failure(object('-DTOTAL=__u32 total'));
    expect(narrow.message).toContain(
      "variable 'total': the value: narrowed from unsigned long long to unsigned int",
    );
    manifest('{}', '[totla]');
    expect((await failure(wider)).message).toContain(
      "p/bpf.config.yaml:4:47: object 'edge' has no variable 'totla' in .data or .bss; it has seen, total, unused_before",
    );
    manifest('{}', '{ total: { merge: sum } }');
    await fixture.apply(object('-DTOTAL=__u64 total = 9', '-DVERDICT=2'));
    expect(fs.existsSync(path.join(fixture.layout.maps, 'edge_data'))).toBe(true);
    const data = open('edge_data');
    expect(data.lookup(new Uint8Array(4))).toEqual({ total: 16 });
    data.close();
    await undeploy();
  });

  test('a protected map is neither removed nor emptied', async () => {
    manifest('{ protect: true, migrate: recreate }');
    await fixture.apply(object());
    expect((await failure(object(grown))).message).toContain(
      "map 'counts': it is protected, and would start empty",
    );
    await expect(undeploy()).rejects.toThrow("map 'counts' is protected");
    await destroy(fixture.load(), () => undefined, { force: true });
    expect(fixture.pins()).toEqual([]);
  });
});

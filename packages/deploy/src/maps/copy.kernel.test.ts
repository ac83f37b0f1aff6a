import { BpfMap, Btf, mapCreate, MapType, possibleCpus, updateAtomically } from '@nx-bpf/loader';
import { expect, test } from 'vitest';
import { btfSections } from '../../../../tools/testing/btf';
import { compile } from '../../../../tools/testing/compile';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { MapCopy, planCopy, shapeOf, type MapShape } from './index';

const trieKey = 'struct k { unsigned int prefixlen; unsigned char address[4]; }; struct k';
const none = { allowDropped: [], sum: [] };

function typesOf(source: string): Btf {
  const text = `${source}\n__attribute__((section("xdp"), used)) int entry(void *context) { return *(char *)&key + value.a; }`;
  return Btf.parse(btfSections(compile(text)).btf);
}

kernelSuite('entries of one map in another', () => {
  interface Side {
    readonly type?: number;
    /** Members of the value; `a` is one. */
    readonly value: string;
    readonly key?: string;
    readonly maxEntries?: number;
    readonly flags?: number;
  }
  /** A map whose key and value are those of a C text. */
  const make = ({ type = MapType.hash, value, key = 'unsigned int', maxEntries = 100, flags = 0 }: Side) => {
    const btf = typesOf(`${key} key; struct value { ${value} } value;`);
    const ids = [...variable(btf, 'key'), ...variable(btf, 'value')] as [number, number];
    const sizes = ids.map((id) => btf.byteSize(id));
    const attributes = {
      map_type: type,
      key_size: sizes[0]!,
      value_size: sizes[1]!,
      max_entries: maxEntries,
    };
    const identity = { name: 'm', btf, keyTypeId: ids[0], valueTypeId: ids[1] };
    const fd = mapCreate({ ...attributes, map_flags: flags });
    expect(fd).toBeGreaterThan(0);
    const map = new BpfMap<unknown, Record<string, unknown>>(fd, identity);
    return {
      map,
      shape: { ...shapeOf(map), btf, keyTypeId: ids[0], valueTypeId: ids[1] } satisfies MapShape,
    };
  };
  const variable = (btf: Btf, name: string): number[] => {
    for (let id = 1; id < btf.endId; id++)
      if (btf.name(id) === name && btf.kind(id) === 14) return [btf.type(id)];
    return [];
  };

  test('a value that grows by a field, with a sweep for what happened meanwhile', () => {
    const [from, to] = [
      make({ value: 'unsigned long long a; int b;' }),
      make({ value: 'int b; unsigned long long a; int c;' }),
    ];
    for (let i = 0; i < 50; i++) from.map.update(i, { a: i, b: -i });
    const plan = planCopy(from.shape, to.shape, { ...none, sum: ['a'] });
    expect(plan.problems).toEqual([]);
    const copy = new MapCopy(from.map, to.map, plan);
    expect(copy.first()).toBe(50);
    expect(to.map.lookup(49)).toEqual({ b: -49, a: 49, c: 0 });

    from.map.update(1, { a: 11, b: -1 }); // counted by the old programs
    from.map.update(2, { a: 2, b: 7 }); // written by user space
    from.map.update(3, { a: 3, b: 8 });
    from.map.update(60, { a: 60, b: 60 }); // made by the old programs alone
    from.map.update(61, { a: 61, b: 61 }); // made by both
    from.map.delete(4);
    to.map.update(1, { a: 101, b: -1, c: 9 }); // counted by the new programs
    to.map.update(3, { a: 3, b: 99, c: 0 }); // written by the new programs
    to.map.update(61, { a: 5, b: 5, c: 5 });
    expect(copy.second()).toEqual({ created: 2, changed: 3, vanished: 1, conflicts: 2, full: 0 });
    expect(to.map.lookup(1)).toEqual({ b: -1, a: 111, c: 9 });
    expect(to.map.lookup(2)).toEqual({ b: 7, a: 2, c: 0 });
    expect(to.map.lookup(3)).toEqual({ b: 99, a: 3, c: 0 });
    expect(to.map.lookup(60)).toEqual({ b: 60, a: 60, c: 0 });
    expect(to.map.lookup(61)).toEqual({ b: 5, a: 66, c: 5 });
    expect(to.map.lookup(4)).toEqual({ b: -4, a: 4, c: 0 });
    from.map.close();
    to.map.close();
  });

  test('values for each CPU, whose sizes are rounded differently', () => {
    const type = MapType.percpu_hash;
    const from = make({ type, value: 'unsigned int a;' });
    const to = make({ type, value: 'unsigned int before; unsigned long long a; unsigned short after;' });
    const cpus = possibleCpus();
    const each = (value: (cpu: number) => object): Record<string, unknown> =>
      Array.from({ length: cpus }, (_, cpu) => value(cpu)) as unknown as Record<string, unknown>;
    from.map.update(
      7,
      each((cpu) => ({ a: cpu + 1 })),
    );
    const plan = planCopy(from.shape, to.shape, { ...none, sum: ['a'] });
    expect(plan.window).toContain('per CPU');
    const copy = new MapCopy(from.map, to.map, plan);
    copy.first();
    expect(to.map.lookup(7)).toEqual(each((cpu) => ({ before: 0, a: cpu + 1, after: 0 })));
    from.map.update(
      7,
      each((cpu) => ({ a: cpu === 0 ? 0xffffffff : cpu + 1 })),
    );
    // The new programs count too, on that CPU.
    updateAtomically(
      to.map,
      [{ offset: 8, size: 8, operation: 'add' }],
      [{ key: Uint8Array.of(7, 0, 0, 0), operands: [1000n] }],
    );
    expect(copy.second()).toMatchObject({ changed: 1, conflicts: 0 });
    // 32 bits of a counter that went beyond its sign bit count as having gone down.
    const grown = 1 + 1000 + (0xffffffff - 1 - 2 ** 32);
    expect(to.map.lookup(7)).toEqual(
      each((cpu) => ({ before: 0, a: cpu === 0 ? grown : cpu + 1, after: 0 })),
    );
    from.map.close();
    to.map.close();
  });

  test.each([
    ['an array', { type: MapType.array }, 1],
    ['a trie', { type: MapType.lpm_trie, key: trieKey, flags: 1 }, '10.0.0.0/8'],
    ['an LRU hash', { type: MapType.lru_hash }, 1],
  ])('%s, of values of a few bytes', (_, side, first) => {
    const from = make({ ...side, value: 'unsigned char a;' });
    const to = make({ ...side, value: 'unsigned char a; unsigned char b;' });
    from.map.update(first, { a: 5 });
    const copy = new MapCopy(from.map, to.map, planCopy(from.shape, to.shape, none));
    copy.first();
    from.map.update(first, { a: 6 });
    expect(to.map.lookup(first)).toEqual({ a: 5, b: 0 });
    expect(copy.second()).toMatchObject({ created: 0, changed: 1, conflicts: 0 });
    expect(to.map.lookup(first)).toEqual({ a: 6, b: 0 });
    from.map.update(first, { a: 7 });
    to.map.update(first, { a: 1, b: 1 });
    expect(copy.second()).toMatchObject({ changed: 1, conflicts: 1 });
    expect(to.map.lookup(first)).toEqual({ a: 1, b: 1 });
    from.map.close();
    to.map.close();
  });

  test('what cannot be copied is said', () => {
    const plan = (from: Side, to: Side, sum: string[] = []): readonly string[] => {
      const [old, now] = [make(from), make(to)];
      old.map.close();
      now.map.close();
      return planCopy(old.shape, now.shape, { ...none, sum }).problems;
    };
    const value = 'unsigned int a; unsigned char b; unsigned int c : 3;';
    expect(plan({ value }, { value, type: MapType.array })).toEqual([
      'entries cannot be copied from hash to array',
    ]);
    expect(plan({ value, type: MapType.array }, { value, type: MapType.array, maxEntries: 10 })).toEqual([
      'max_entries: 100 elements do not fit into 10',
    ]);
    expect(plan({ value }, { value: 'unsigned char a;' })).toEqual([
      'value: a: narrowed from unsigned int to unsigned char',
      'value: b: dropped (unsigned char)',
      'value: c: dropped (unsigned int)',
    ]);
    expect(plan({ value }, { value }, ['nothing', 'b', 'c'])).toEqual([
      "migrate.copy.fields: the value has no field 'nothing'",
      "migrate.copy.fields: 'b' is no integer of 4 or 8 aligned bytes, and cannot be added to atomically",
      "migrate.copy.fields: 'c' is no integer of 4 or 8 aligned bytes, and cannot be added to atomically",
    ]);
  });
});

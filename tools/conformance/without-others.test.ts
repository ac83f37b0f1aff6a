import { describe, expect, test } from 'vitest';
import { parseObject } from '../../packages/loader/src/object';
import { compile } from '../testing/compile';
import { withoutOthers } from './without-others';

const source = `
  #include <linux/types.h>
  #include <linux/bpf.h>
  #include <bpf/bpf_helpers.h>
  extern int shared(int) __ksym;
  extern int only_first(int) __ksym;
  extern const int only_second __ksym;
  extern int CONFIG_ONLY_SECOND __kconfig;
  int counter;
  static __noinline int help(int x) { return only_first(x) + counter; }
  SEC("xdp") int first(void *ctx) { return help(1) + shared(2); }
  SEC("xdp") int neighbour(void *ctx) { return only_second + CONFIG_ONLY_SECOND; }
  SEC("socket") int second(void *ctx) { return shared(3) + only_second; }
`;

describe('an object without what other programs need', () => {
  const object = Buffer.from(compile(source));
  const spec = parseObject(object, { name: 'o' });

  function alone(program: string) {
    const copy = parseObject(withoutOthers(object, spec, program), { name: 'o' });
    const externs = copy.externs.map(({ name, weak, typeId }) => [name, weak, typeId !== 0]);
    const functionOf = (name: string) => copy.functions.find((fn) => fn.name === name);
    return { copy, externs, functionOf };
  }

  test('it keeps the program, the functions that it reaches, and the externs of these', () => {
    const { externs, functionOf } = alone('first');
    expect(externs).toEqual([
      ['CONFIG_ONLY_SECOND', true, true],
      ['only_first', false, true],
      ['shared', false, true],
    ]);
    for (const name of ['first', 'help']) {
      const before = spec.functions.find((fn) => fn.name === name)!;
      expect(functionOf(name)!.instructions).toEqual(before.instructions);
      expect(functionOf(name)!.typeId).toBe(before.typeId);
      expect(functionOf(name)!.references).toHaveLength(before.references.length);
    }
    expect(functionOf('neighbour')!.references).toEqual([]);
  });

  test('sections of code in which nothing is needed are none', () => {
    const { copy, externs } = alone('second');
    expect(copy.programs.map(({ name }) => name)).toEqual(['second']);
    expect(externs.map(([name]) => name)).toEqual(['CONFIG_ONLY_SECOND', 'only_second', 'shared']);
  });

  test('every type keeps its id, and what is gone refers to nothing', () => {
    const { btf } = alone('second').copy;
    const before = spec.btf!;
    expect(btf!.endId).toBe(before.endId);
    const changed = [];
    for (let id = 1; id < before.endId; id++) {
      if (btf!.describe(id) !== before.describe(id)) changed.push([before.name(id), btf!.describe(id)]);
    }
    expect(changed).toEqual([['only_first', 'const void']]);
  });

  test('without any extern left the section of externs is gone, too', () => {
    const lone = Buffer.from(
      compile(`extern int missing(void) __attribute__((section(".ksyms")));
        __attribute__((section("socket"), used)) int uses(void *ctx) { return missing(); }
        __attribute__((section("xdp"), used)) int plain(void *ctx) { return 2; }`),
    );
    const copy = parseObject(withoutOthers(lone, parseObject(lone, { name: 'o' }), 'plain'), { name: 'o' });
    expect(copy.externs).toEqual([]);
    expect(copy.programs.map(({ name }) => name)).toEqual(['plain']);
  });
});

import { expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { type BtfNeed, btfWithout, BtfBuilder, needsOfBtf } from '../btf';
import { btfLoad, closeFd, errnoName, features, runningKernel } from '../kernel';
import { parseObject } from '../object';
import { relocateObject } from '../relocate';
import { loadBtf } from './load-btf';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
enum wide { LARGE = 1ull << 40 } wide;
enum signed_one { NEGATIVE = -1, ZERO } small;
double precise;
struct { int __attribute__((btf_type_tag("user"))) *p; } tagged;
int marked __attribute__((btf_decl_tag("mine")));
const volatile int constant = 1;
__attribute__((noinline)) int global_function(int x) { return x + constant; }
SEC("socket") int p(void *ctx) { return global_function(wide + small + marked + (int)tagged.p[0]); }
char LICENSE[] SEC("license") = "GPL";`;

kernelSuite('types for kernels that do not know all of them', () => {
  const { btf } = parseObject(compile(source), { name: 'x' });

  test('the object uses what newer kernels know', () => {
    expect(needsOfBtf(btf!)).toEqual([
      'functions',
      'globalFunctions',
      'sections',
      'floats',
      'declarationTags',
      'typeTags',
      'enum64',
    ]);
  });

  test.each<BtfNeed[]>([
    [],
    ['enum64'],
    ['enum64', 'typeTags'],
    ['enum64', 'typeTags', 'declarationTags'],
    ['enum64', 'typeTags', 'declarationTags', 'floats'],
    ['enum64', 'typeTags', 'declarationTags', 'floats', 'globalFunctions'],
    ['enum64', 'typeTags', 'declarationTags', 'floats', 'globalFunctions', 'sections'],
    ['enum64', 'typeTags', 'declarationTags', 'floats', 'globalFunctions', 'sections', 'functions'],
  ])('the kernel takes it without %s %s %s %s %s %s %s', (...missing) => {
    const set = new Set(missing.filter((need) => need !== undefined));
    const result = btfLoad(btfWithout(btf!, set));
    expect(result < 0 ? errnoName(-result) : 'taken').toBe('taken');
    closeFd(result);
  });

  test('a kernel that takes the types as they are is asked nothing', () => {
    const relocated = relocateObject(parseObject(compile(source), { name: 'x' }), runningKernel());
    const loaded = loadBtf(
      relocated.btf,
      () => expect.unreachable('no note'),
      () => expect.unreachable('no question'),
    );
    expect(loaded!.functions).toBe(true);
    loaded!.fd.close();
  });

  test('types that the kernel refuses are loaded without what it is said to lack, and a note says so', () => {
    // A 64-bit enum of 3 bytes makes no sense to any kernel, as one of 8 makes none to an old one.
    const builder = new BtfBuilder();
    builder.enum64('wide', 3, [{ name: 'LARGE', value: 1 }]);
    const notes: string[] = [];
    const refused = loadBtf(
      builder.build(),
      (text) => notes.push(text),
      () => true,
    );
    expect(refused).toBeUndefined();
    expect(notes).toEqual([
      expect.stringMatching(/^the kernel refused the object's BTF with EINVAL: .*wide/),
    ]);
    const asked = loadBtf(
      builder.build(),
      (text) => notes.push(text),
      (feature) => feature !== features.btfEnum64,
    );
    expect(notes[1]).toBe(
      "this kernel does not know BTF of 64-bit and of signed enums (Linux 6.0): the object's BTF was loaded without",
    );
    asked!.fd.close();
  });
});

import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { loadFile } from './index';

const source = (extra: string) => `
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#define BPF_MAP_TYPE_ARENA 33
#define BPF_F_MMAPABLE (1U << 10)
#ifndef __ulong /* libbpf 1.4 */
#define __ulong(name, val) enum { ___bpf_join(__unique_value, __COUNTER__) = val } name
#define ___bpf_concat(a, b) a ## b
#define ___bpf_join(a, b) ___bpf_concat(a, b)
#endif
#define __arena __attribute__((address_space(1)))
struct { __uint(type, BPF_MAP_TYPE_ARENA); __uint(map_flags, BPF_F_MMAPABLE); __uint(max_entries, 4); ${extra} }
  arena SEC(".maps");
int __arena first = 5;
int __arena second = 7;
SEC("syscall") int add(void *ctx) {
  first += second;
  return first;
}
char LICENSE[] SEC("license") = "GPL";`;

kernelSuite('variables in an arena', (kernel) => {
  test.each([
    ['wherever the kernel likes', ''],
    ['at an address of its own', '__ulong(map_extra, 0x1ull << 44);'],
  ])('%s', (_, extra) => {
    const file = kernel.compile(source(extra), { name: 'arena' });
    const collection = loadFile(file);
    try {
      const [first, second] = ['first', 'second'].map((name) => collection.variable<number>(name));
      expect([first!.get(), second!.get()]).toEqual([5, 7]);
      second!.set(10);
      expect(collection.program('add').testRun({ context: new Uint8Array(8) }).returnValue).toBe(15);
      expect([first!.get(), second!.get()]).toEqual([15, 10]);
    } finally {
      collection.close();
    }
  });
});

import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { loadFile } from '../runtime';

const source = `
  #include <linux/types.h>
  #include <linux/bpf.h>
  #include <bpf/bpf_helpers.h>
  extern void bpf_throw(__u64 cookie) __ksym;
  int __attribute__((noinline)) handle(__u64 cookie) { return cookie + 1; }
  __attribute__((btf_decl_tag("exception_callback:handle")))
  SEC("tc") int caught(struct __sk_buff *skb) { bpf_throw(41); return 0; }
  SEC("tc") int uncaught(struct __sk_buff *skb) { bpf_throw(41); return 0; }
  SEC("tc") int calm(struct __sk_buff *skb) { return 7; }
  char LICENSE[] SEC("license") = "GPL";
`;

kernelSuite('exceptions', (kernel) => {
  test('what a program throws is returned by its callback, and by the kernel where it has none', () => {
    const collection = loadFile(kernel.compile(source, { name: 'exceptions' }));
    const returned = (name: string) =>
      collection.program(name).testRun({ data: new Uint8Array(64) }).returnValue;
    expect([returned('caught'), returned('uncaught'), returned('calm')]).toEqual([42, 41, 7]);
    collection.close();
  });
});

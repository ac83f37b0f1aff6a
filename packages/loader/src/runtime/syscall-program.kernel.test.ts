import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { closeFd, mapInfo } from '../kernel';
import { loadFile } from './index';

/** It adds two numbers of its context, writes the sum there, and makes a map through the system call itself. */
const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct context { __u32 first, second; __u64 sum; __s32 map; __u32 entries; };
SEC("syscall") int add(struct context *ctx)
{
  union bpf_attr attr = {};
  ctx->sum = (__u64)ctx->first + ctx->second;
  attr.map_type = BPF_MAP_TYPE_ARRAY;
  attr.key_size = attr.value_size = 4;
  attr.max_entries = ctx->entries;
  ctx->map = bpf_sys_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
  return ctx->map < 0 ? -1 : 0;
}
char LICENSE[] SEC("license") = "GPL";
`;

kernelSuite('syscall programs', (kernel) => {
  test('are run with a context, which they read and write', () => {
    const collection = loadFile(kernel.compile(source, { name: 'adding' }));
    const context = new Uint8Array(24);
    const view = new DataView(context.buffer);
    view.setUint32(0, 40, true);
    view.setUint32(4, 0xffffffff, true);
    view.setUint32(20, 7, true);
    const given = context.slice();
    const outcome = collection.program('add').testRun({ context });
    expect(outcome.returnValue).toBe(0);
    const after = new DataView(outcome.context.buffer, outcome.context.byteOffset);
    expect(after.getBigUint64(8, true)).toBe(0x100000027n);
    const map = after.getInt32(16, true);
    expect(mapInfo(map)).toMatchObject({ type: 2, maxEntries: 7 });
    closeFd(map);
    expect(context).toEqual(given);
    expect(() => collection.program('add').testRun({ context, data: new Uint8Array(64) })).toThrow(
      expect.objectContaining({
        code: 'SYSCALL_FAILED',
        fields: expect.objectContaining({ errno: 'EINVAL' }),
      }),
    );
    collection.close();
  });
});

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { compileTraced } from '../../../../tools/testing/user-binary';
import { loadFile } from '../runtime';

const source = `
  #include <linux/bpf.h>
  #include <linux/ptrace.h>
  #include <stdbool.h>
  #include <bpf/bpf_helpers.h>
  #include <bpf/bpf_tracing.h>
  #include <bpf/usdt.bpf.h>
  char LICENSE[] SEC("license") = "GPL";
  __u64 runs[8];
  __s64 last;
  #define COUNTING(section, name, index) \\
    SEC(section) int name(struct pt_regs *ctx) { __sync_fetch_and_add(&runs[index], 1); return 0; }
  COUNTING("uprobe/" TRACED ":add", on_entry, 0)
  COUNTING("uprobe/" TRACED ":add+0x0", on_offset, 1)
  COUNTING("uretprobe/" TRACED ":subtract", on_return, 2)
  COUNTING("uprobe.multi/" TRACED ":[sp]*", on_none, 3)
  COUNTING("uprobe.multi/" TRACED ":?ub*", on_many, 4)
  COUNTING("uretprobe.multi/" TRACED ":add", on_returns, 5)
  COUNTING("uprobe", on_nothing, 6)
  SEC("usdt/" TRACED ":demo:watched") int on_probe(struct pt_regs *ctx)
  {
    long value;
    __sync_fetch_and_add(&runs[7], 1);
    bpf_usdt_arg(ctx, 0, &value);
    last = value;
    return 0;
  }
`;

kernelSuite('section names of user space', (kernel) => {
  const target = process.arch === 'arm64' ? 'arm64' : 'x86';

  test('each program runs where its own says; one that fits nothing is refused, and none is left', () => {
    const traced = compileTraced(path.join(kernel.directory, 'traced'));
    const flags = [`-D__TARGET_ARCH_${target}`, `-DTRACED="${traced}"`];
    const file = kernel.compile(source, { name: 'sections', flags });
    const wrong = loadFile(file);
    expect(() => wrong.autoAttach()).toThrow(
      expect.objectContaining({ code: 'FUNCTION_NOT_FOUND', message: expect.stringContaining('[sp]*') }),
    );
    expect(wrong.links).toEqual([]);
    wrong.close();

    const names = ['on_entry', 'on_offset', 'on_return', 'on_many', 'on_returns', 'on_nothing', 'on_probe'];
    const collection = loadFile(file, { programs: names });
    const links = collection.autoAttach();
    expect([...links].map(([name, link]) => [name, link.describe()])).toEqual([
      ['on_entry', `uprobe ${traced}:add`],
      ['on_offset', `uprobe ${traced}:add`],
      ['on_return', `uretprobe ${traced}:subtract`],
      ['on_many', `uprobe_multi ${traced}:?ub*`],
      ['on_returns', `uretprobe_multi ${traced}:add`],
      ['on_probe', `usdt ${traced}:demo:watched`],
    ]);
    spawnSync(traced, ['5'], { input: '!' });
    const runs = collection.variable<(number | bigint)[]>('runs').get();
    expect(runs.map(Number)).toEqual([5, 5, 5, 0, 5, 5, 0, 5]);
    expect(Number(collection.variable<number | bigint>('last').get())).toBe(4);
    collection.close();
  });
});

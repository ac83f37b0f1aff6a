import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { CommandLine } from '../../../../tools/testing/command-line';
import { kernelSuite } from '../../../../tools/testing/kernel';

const document = fs.readFileSync(path.resolve(__dirname, '../../../../docs/deploy.md'), 'utf8');
/** Keys of what each command prints, as the table of the document has them. */
const documented = new Map(
  [...document.matchAll(/^\| (?:`nx-bpf (\w+)`|any that (fail)s) *\| *([^|]*?) *\|[^|]*\|$/gm)].map(
    ([, command, failed, keys]) => [
      (command ?? failed)!,
      [...keys!.matchAll(/`(\w+)`/g)].map(([, key]) => key!),
    ],
  ),
);

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
const volatile __u32 verdict = 2;
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32); __type(value, __u64); } hits SEC(".maps");
SEC("xdp") int guard(struct xdp_md *ctx) {
  __u32 zero = 0;
  return bpf_map_lookup_elem(&hits, &zero) ? XDP_DROP : verdict;
}
char LICENSE[] SEC("license") = "GPL";
`;

kernelSuite('docs/deploy.md: what --json prints', (kernel) => {
  const command = new CommandLine(kernel);
  const write = (file: string, text: string): void => {
    fs.mkdirSync(path.dirname(path.join(kernel.directory, file)), { recursive: true });
    fs.writeFileSync(path.join(kernel.directory, file), text);
  };

  test('each command has the keys that the table says', { timeout: 120_000 }, () =>
    kernel.withVeth((veth) => {
      write(
        'bpf.config.yaml',
        `version: 1\npin: { root: ${kernel.bpffs}/nx-bpf }\ndefaultEnvironment: prod\nenvironments: { prod: {} }\n`,
      );
      write('probe/package.json', '{ "name": "probe" }');
      write('probe/src/probe.bpf.c', source);
      write(
        'probe/bpf.config.yaml',
        `version: 1
toolchain: { clang: clang-19 }
objects: { probe: {} }
programs: { guard: { attach: [{ id: uplink, xdp: { interface: ${veth.interface} } }] } }
`,
      );
      const seen = new Map<string, string[]>();
      for (const words of [
        ['build'],
        ['plan'],
        ['apply'],
        ['apply', '--set', 'objects.probe.constants.verdict=1'],
        ['status'],
        ['rollback'],
        ['lock'],
        ['bundle'],
        ['types'],
        ['destroy'],
      ]) {
        const [name, ...rest] = words as [string, ...string[]];
        const result = command.json(name, 'probe', ...rest);
        seen.set(name, Object.keys(result as object));
      }
      const nowhere = command.run('plan', 'probe', '-e', 'nowhere', '--json');
      seen.set('fail', Object.keys(JSON.parse(nowhere.stdout) as object));
      expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(seen));
    }),
  );
});

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { CommandLine } from '../../../../../tools/testing/command-line';
import { kernelSuite } from '../../../../../tools/testing/kernel';

interface Dumped {
  readonly types: readonly { readonly id: number; readonly kind: string; readonly name: string }[];
}

kernelSuite('nx-bpf btf and features', (kernel) => {
  const nxBpf = new CommandLine(kernel);
  const object = (): string =>
    kernel.compile(
      `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
enum verdict { PASS, DROP = -1 };
struct inner { char text[8]; };
struct event { enum verdict verdict; struct inner *next; unsigned low : 3; struct inner inner; };
struct other { int x; };
struct event *event; struct other *other;
SEC("xdp") int p(struct xdp_md *ctx) { return event && other; }`,
      { name: 'types' },
    );

  test('a header of the kernel that a program compiles with', () => {
    const header = path.join(kernel.directory, 'vmlinux.h');
    expect(nxBpf.run('btf', 'dump', '-o', header)).toMatchObject({ status: 0, stdout: '', stderr: '' });
    kernel.compile(
      `#include "${header}"\n#include <bpf/bpf_helpers.h>\nSEC("xdp") int p(struct xdp_md *ctx) { return ((struct task_struct *)0)->tgid; }`,
      { name: 'with-header' },
    );
  });

  test('JSON of an object: type for type what bpftool says', () => {
    const file = object();
    const theirs = JSON.parse(
      execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', file], { encoding: 'utf8' }),
    ) as Dumped;
    expect(nxBpf.json('btf', 'dump', file)).toEqual(theirs);
  });

  test('one type, and what it needs', () => {
    const file = object();
    const c = nxBpf.run('btf', 'dump', file, '--type', 'struct event').stdout;
    expect(c).toContain('struct event {');
    expect(c).toContain('enum verdict {');
    expect(c).toContain('struct inner {');
    expect(c).not.toContain('struct other');
    kernel.compile(`${c}\nstruct event e; int x = sizeof(e);`, { name: 'one' });
    const { types } = nxBpf.json('btf', 'dump', file, '--type', 'inner') as Dumped;
    expect(types.map(({ name }) => name).sort()).toEqual(
      ['__ARRAY_SIZE_TYPE__', 'char', '(anon)', 'inner'].sort(),
    );
    expect(nxBpf.run('btf', 'dump', file, '--type', 'inner', '--format', 'raw').stdout).toMatch(
      /STRUCT 'inner' size=8 vlen=1\n\t'text' type_id=\d+ bits_offset=0\n/,
    );
    expect(nxBpf.run('btf', 'dump', file, '--type', 'evnt').stderr).toContain('did you mean event?');
    expect(nxBpf.run('btf', 'dump', file, '--format', 'go')).toMatchObject({ status: 3 });
    expect(nxBpf.run('btf', 'dump', path.join(kernel.directory, 'nosuch.o')).stderr).toContain(
      'cannot be read',
    );
  });

  test('features: what the kernel says, as a table and as JSON', () => {
    const features = nxBpf.json('features') as {
      kernel: { release: string };
      mapTypes: { name: string; available: boolean | null }[];
      programTypes: { name: string; available: boolean | null }[];
      hooks: { name: string; loads: boolean | null; attaches: boolean | null }[];
    };
    expect(features.kernel.release).toBe(fs.readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim());
    expect(features.mapTypes).toContainEqual({ name: 'hash', available: true });
    expect(features.programTypes).toContainEqual({ name: 'xdp', available: true });
    expect(features.hooks.find(({ name }) => name === 'xdp')).toMatchObject({
      loads: true,
      attaches: true,
    });
    expect(nxBpf.run('features').stdout).toMatch(/xdp +5\.9 +yes +yes/);
  });

  test('features without capabilities: what cannot be told, and why', () => {
    interface Probed {
      readonly name: string;
      readonly loads: boolean | null;
      readonly attaches: boolean | null;
      readonly reason: string | null;
    }
    const hooksAs = (capabilities: string): ReadonlyMap<string, Probed> => {
      const prefix = ['setpriv', '--bounding-set', `-all${capabilities}`];
      const { hooks } = JSON.parse(nxBpf.runAs(prefix, 'features', '--json').stdout) as { hooks: Probed[] };
      return new Map(hooks.map((hook) => [hook.name, hook]));
    };
    const none = [...hooksAs('').values()];
    expect(none.filter(({ loads, attaches }) => loads !== null || attaches !== null)).toEqual([]);
    expect(none.filter(({ reason }) => reason?.includes('it lacks CAP_BPF') !== true)).toEqual([]);
    const least = hooksAs(',+bpf,+net_admin,+perfmon');
    expect(least.get('xdp')).toMatchObject({ loads: true, attaches: true, reason: null });
    expect(least.get('tcx')).toMatchObject({ loads: true, attaches: true });
    // It is tried in a network namespace, which takes CAP_SYS_ADMIN to make.
    expect(least.get('tc')).toMatchObject({
      loads: true,
      attaches: null,
      reason: 'this process cannot attach one: it lacks CAP_SYS_ADMIN',
    });
    // No answer differs from that of a process with every capability, but for those that cannot be told.
    const all = new Map(
      (nxBpf.json('features') as { hooks: Probed[] }).hooks.map((hook) => [hook.name, hook]),
    );
    for (const { name, loads, attaches } of least.values()) {
      const full = all.get(name)!;
      expect([name, loads ?? full.loads, attaches ?? full.attaches]).toEqual([
        name,
        full.loads,
        full.attaches,
      ]);
    }
  });
});

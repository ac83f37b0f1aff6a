import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { btfSample, btfSections, dumpRaw } from '../../../../tools/testing/btf';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { Btf, type BtfKind } from '.';

const file = '/sys/kernel/btf/vmlinux';

/** bpftool as the oracle: its view of all types, a line for each type, member, value and parameter. */
function bpftoolDump(of: string): string[] {
  const result = spawnSync('bpftool', ['btf', 'dump', 'file', of, 'format', 'raw'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (result.status !== 0) throw new Error(`bpftool failed: ${result.stderr}`);
  return result.stdout.trimEnd().split('\n');
}

kernelSuite("the running kernel's BTF, and bpftool as its oracle", (kernel) => {
  test("every type of the running kernel's BTF", () => {
    const theirs = bpftoolDump(file);
    const ours = dumpRaw(Btf.parse(readFileSync(file), { trusted: true }));
    expect(ours.length).toBe(theirs.length);
    expect(ours.filter((line, i) => line !== theirs[i]).slice(0, 10)).toEqual([]);
  });

  test('every type of an object, with all kinds', () => {
    const object = kernel.compile(btfSample, { name: 'sample' });
    expect(path.basename(object)).toBe('sample.bpf.o');
    expect(dumpRaw(Btf.parse(btfSections(readFileSync(object)).btf))).toEqual(bpftoolDump(object));
  });

  const load = (): Btf => Btf.parse(readFileSync(file), { trusted: true });

  test('it passes the checks that objects must pass', () => {
    expect(Btf.parse(readFileSync(file)).endId).toBe(load().endId);
  });

  test('names find what a walk over all types finds', () => {
    const btf = load();
    const walked = new Map<string, number[]>();
    for (let id = 1; id < btf.endId; id++) {
      const name = btf.name(id);
      if (name === '') continue;
      const key = `${btf.kind(id)} ${name}`;
      walked.set(key, [...(walked.get(key) ?? []), id]);
    }
    for (const [key, ids] of [...walked].filter((_, i) => i % 50 === 0)) {
      const [kind, name] = [Number(key.split(' ')[0]) as BtfKind, key.slice(key.indexOf(' ') + 1)];
      expect(btf.findAll(name, kind)).toEqual(ids);
    }
  });
});

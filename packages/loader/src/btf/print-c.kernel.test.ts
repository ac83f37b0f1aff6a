import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { ElfFile } from '../elf';
import { compile } from '../../../../tools/testing/compile';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { layoutText, layoutsOfVariables, variablesOf } from '../../../../tools/testing/layouts';
import { Btf } from './btf';
import { BtfKind } from './kinds';
import { printC } from './print-c';

const file = '/sys/kernel/btf/vmlinux';

/** Structs and unions that are the only ones of their tag, so that every printer gives them the same name. */
function namedRecords(btf: Btf): Map<number, string> {
  const ids = new Map<string, number[]>();
  for (let id = 1; id < btf.endId; id++) {
    const kind = btf.kind(id);
    const tagged =
      kind === BtfKind.STRUCT || kind === BtfKind.UNION || kind === BtfKind.ENUM || kind === BtfKind.ENUM64;
    if (tagged && btf.name(id) !== '') ids.set(btf.name(id), [...(ids.get(btf.name(id)) ?? []), id]);
  }
  const records = new Map<number, string>();
  for (const [name, [id, ...others]] of ids) {
    const kind = btf.kind(id!);
    if (others.length > 0 || btf.size(id!) === 0) continue;
    if (kind === BtfKind.STRUCT) records.set(id!, `struct ${name}`);
    if (kind === BtfKind.UNION) records.set(id!, `union ${name}`);
  }
  return records;
}

function hasBitfield(btf: Btf, id: number): boolean {
  return Array.from({ length: btf.vlen(id) }, (_, i) => btf.memberBitfieldSize(id, i)).some(
    (width) => width > 0,
  );
}

kernelSuite("the running kernel's types as a C header", () => {
  let btf: Btf;
  let header = '';

  beforeAll(() => {
    btf = Btf.parse(readFileSync(file), { trusted: true });
    header = printC(btf);
  });

  test('every struct and union has the size that BTF says, and bpftool agrees with nearly all', () => {
    const assertion = (name: string, size: number): string =>
      `_Static_assert(sizeof(${name}) == ${size}, "${name}");`;
    const records = [...namedRecords(btf)];
    const assertions = records.map(([id, name]) => assertion(name, btf.size(id))).join('\n');
    const failures = (text: string, flags: readonly string[]): number => {
      try {
        compile(`${text}\n${assertions}`, { flags: ['-ferror-limit=0', ...flags] });
        return 0;
      } catch (error) {
        return String(error).match(/error: static assertion failed/g)?.length ?? Infinity;
      }
    };
    expect(failures(header, ['-Wall', '-Werror'])).toBe(0);
    // bpftool 7.1 loses a few paddings at the end of structs, and takes va_list for that of BPF.
    const theirs = spawnSync('bpftool', ['btf', 'dump', 'file', file, 'format', 'c'], { maxBuffer: 2 ** 28 });
    const disagreements = failures(theirs.stdout.toString(), []);
    expect(disagreements).toBeLessThan(records.length / 50);
    expect(failures(`${header}\n${assertion('struct task_struct', 1)}`, [])).toBe(1);
  });

  test('members are where BTF says, bitfields too', () => {
    const records = [...namedRecords(btf)];
    const withBitfields = records.filter(([id]) => hasBitfield(btf, id)).filter((_, i) => i % 3 === 0);
    const others = records.filter((_, i) => i % 30 === 0);
    const sample = new Map([...withBitfields, ...others]);
    expect(sample.size).toBeGreaterThan(300);
    const object = ElfFile.parse(compile(`${header}\n${variablesOf(sample)}`), { object: 'sample' });
    const compiled = layoutsOfVariables(Btf.parse(object.section('.BTF')!.data));
    const wrong = [...sample].filter(([id]) => compiled.get(id) !== layoutText(btf, id));
    expect(wrong.map(([id, name]) => [name, layoutText(btf, id), compiled.get(id)])).toEqual([]);
  });

  test('the same each time', () => {
    expect(printC(btf) === header).toBe(true);
  });
});

import fs from 'node:fs';
import path from 'node:path';
import { attachTracepoint, ProgramType, UsdtLinks } from '@nx-bpf/loader';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { rawUnload } from './raw-unload';

kernelSuite('a raw load is undone', (kernel) => {
  test('links that are pinned together in a directory go too; deeper ones are of somebody else', () => {
    const directory = path.join(kernel.bpffs, 'raw');
    const program = tinyProgram({ type: ProgramType.tracepoint });
    const attach = (name: string) => attachTracepoint(program, { category: 'sched', name });
    const links = new UsdtLinks([attach('sched_process_exec'), attach('sched_process_exit')], 'two');
    links.pin(path.join(directory, 'links/probe'));
    program.pin(path.join(directory, 'probe'));
    links.close();
    program.close();
    const deep = path.join(directory, 'links/probe/deep');
    fs.mkdirSync(deep);
    fs.renameSync(path.join(directory, 'links/probe/1'), path.join(deep, '1'));
    expect(() => rawUnload(directory)).toThrow(expect.objectContaining({ code: 'PIN_INVALID' }));
    fs.renameSync(path.join(deep, '1'), path.join(directory, 'links/probe/1'));
    fs.rmdirSync(deep);
    expect(rawUnload(directory).removed).toEqual(['links/probe/0', 'links/probe/1', 'probe']);
    expect(fs.existsSync(directory)).toBe(false);
  });
});

import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { eventSource } from '../kernel';
import { ProgramType } from '../object';
import { attachKprobe, attachKretprobe, attachKsyscall } from './index';

const kprobe = (section?: string, target?: string) =>
  tinyProgram({ type: ProgramType.kprobe, section, target });

// What they see is for kernels that have them: tools/features.
kernelSuite('kprobes', () => {
  test('a kernel without them is told from one that lacks a function', () => {
    const program = kprobe();
    const attempts = [
      () => attachKprobe(program, { function: 'vfs_read' }),
      () => attachKprobe(program, { function: 'vfs_read', mode: 'perf' }),
      () => attachKprobe(program, { function: 'vfs_read', mode: 'legacy' }),
      () => attachKretprobe(program, { function: 'vfs_read' }),
      () => attachKsyscall(program, { syscall: 'umask' }),
    ];
    for (const attempt of attempts) {
      if (hasKprobes()) attempt().close();
      else {
        expect(attempt).toThrow(
          expect.objectContaining({
            code: 'ATTACH_FAILED',
            message: expect.stringMatching(/this kernel has no kprobe.*built without CONFIG_KPROBE_EVENTS/),
          }),
        );
      }
    }
    program.close();
  });

  test('a place that is not clear is refused before the kernel is asked', () => {
    const program = kprobe();
    const bare = 'no target is given; give one, or name it';
    expect(() => attachKprobe(program)).toThrow(bare);
    expect(() => attachKprobe(program, { function: 'a+1', offset: 1 })).toThrow('an offset once');
    expect(() => attachKprobe(program, { function: 'a', address: 1n })).toThrow('an address, or a function');
    expect(() => attachKretprobe(program, { function: 'a+1' })).toThrow('a function without an offset');
    expect(() => attachKsyscall(program, { syscall: 'openat+4' })).toThrow("a system call's name");
    program.close();
  });

  test('the section name is taken for what is left out, and auto-attach for the hook', () => {
    const [said, bare] = [kprobe('kretprobe/vfs_raed+4', 'vfs_raed+4'), kprobe('kprobe')];
    expect(() => said.autoAttach()).toThrow('attach to kretprobe: the place is not clear');
    expect(bare.autoAttach()).toBeUndefined();
    said.close();
    bare.close();
  });
});

function hasKprobes(): boolean {
  return eventSource('kprobe') !== undefined || existsSync('/sys/kernel/tracing/kprobe_events');
}

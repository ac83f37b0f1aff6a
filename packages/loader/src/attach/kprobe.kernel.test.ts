import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { kernelConfig, probePmu } from '../kernel';
import { AttachType, ProgramType } from '../object';
import {
  attachKprobe,
  attachKprobeMulti,
  attachKprobeSession,
  attachKretprobe,
  attachKretprobeMulti,
  attachKsyscall,
} from './index';

const kprobe = (section?: string, target?: string) =>
  tinyProgram({ type: ProgramType.kprobe, attachType: 0, section, target });

const kprobeMulti = () =>
  tinyProgram({ type: ProgramType.kprobe, attachType: AttachType.trace_kprobe_multi });

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

  test('a link of many is refused by a kernel without them, and wrong ones before the kernel is asked', () => {
    const [many, single] = [kprobeMulti(), kprobe()];
    const attach = () => attachKprobeMulti(many, { functions: ['vfs_read', 'vfs_write'] });
    if (hasFprobes()) attach().close();
    else {
      expect(attach).toThrow(
        expect.objectContaining({
          code: 'ATTACH_FAILED',
          message: expect.stringMatching(/kprobe_multi vfs_read, vfs_write: EOPNOTSUPP .*CONFIG_FPROBE/),
        }),
      );
      expect(() => attachKprobeMulti(many, { functions: 'vfs_*' })).toThrow('CONFIG_FUNCTION_TRACER');
    }
    expect(() => attachKprobeMulti(single)).toThrow('expected trace_kprobe_multi');
    expect(() => attachKprobeSession(many)).toThrow('expected trace_kprobe_session');
    expect(() => attachKprobeMulti(many)).toThrow('section: kprobe.multi/NAME');
    expect(() => attachKprobeMulti(many, { functions: [] })).toThrow('at least one function');
    expect(() => attachKprobeMulti(many, { functions: 'a', addresses: [1n] })).toThrow(
      'functions or addresses',
    );
    const cookies = [1n];
    expect(() => attachKprobeMulti(many, { functions: ['a', 'b'], cookies })).toThrow(
      'found 1 cookies for 2 places',
    );
    expect(() => attachKretprobeMulti(many, { functions: 'a*', cookies: [] })).toThrow(
      'found 0 cookies for 1 places',
    );
    many.close();
    single.close();
  });

  test('the section name is taken for what is left out, and auto-attach for the hook', () => {
    const [said, bare] = [kprobe('kretprobe/vfs_raed+4', 'vfs_raed+4'), kprobe('kprobe')];
    expect(() => said.autoAttach()).toThrow('attach to kretprobe: the place is not clear');
    expect(bare.autoAttach()).toBeUndefined();
    said.close();
    bare.close();
  });
});

function hasFprobes(): boolean {
  return kernelConfig().get('CONFIG_FPROBE') === 'y';
}

function hasKprobes(): boolean {
  return probePmu('kprobe') !== undefined || existsSync('/sys/kernel/tracing/kprobe_events');
}

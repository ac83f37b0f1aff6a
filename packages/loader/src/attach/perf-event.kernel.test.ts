import { afterAll, beforeAll, expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { closeFd, enableRunTimeStats } from '../kernel';
import { ProgramType } from '../object';
import { type Program } from '../runtime';
import { attachPerfEvent, linkDescription } from './index';

/** Memory that is touched for the first time, page by page. */
const touchMemory = () => Buffer.alloc(32 << 20).fill(1);

function keepBusy(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

kernelSuite('attach to a perf event', () => {
  let stats = -1;
  let program: Program;
  beforeAll(() => {
    stats = enableRunTimeStats();
    program = tinyProgram({ type: ProgramType.perf_event });
  });
  afterAll(() => {
    program.close();
    closeFd(stats);
  });

  test('page faults of this process, each', () => {
    const link = attachPerfEvent(program, { event: 'page-faults', pid: process.pid });
    expect([link.hook, link.describe(), linkDescription(link.info())]).toEqual([
      'perf_event',
      `perf_event page-faults of process ${process.pid}`,
      'perf_event',
    ]);
    const before = program.info().runCount;
    touchMemory();
    expect(program.info().runCount).toBeGreaterThan(before);
    expect(() => link.update(program)).toThrow(/EINVAL .*cannot be updated/);
    expect(() => link.detach()).toThrow(/detach when they are closed/);
    link.close();
    const after = program.info().runCount;
    touchMemory();
    expect(program.info().runCount).toBe(after);
  });

  test('the clock of this process, so often a second', () => {
    const link = attachPerfEvent(program, { event: 'task-clock', frequency: 1000, pid: process.pid });
    const before = program.info().runCount;
    keepBusy(300);
    expect(program.info().runCount).toBeGreaterThan(before);
    link.close();
  });

  test('a CPU that does not exist, a process that does not, two rates', () => {
    expect(() => attachPerfEvent(program, { event: 'cpu-clock', cpu: 4095 })).toThrow(
      expect.objectContaining({
        code: 'ATTACH_FAILED',
        message: expect.stringContaining('there is no such CPU'),
      }),
    );
    expect(() => attachPerfEvent(program, { event: 'page-faults', pid: 0x3fffff })).toThrow(
      /ESRCH .*there is no such process/,
    );
    expect(() => attachPerfEvent(program, { event: 'cpu-clock', period: 1, frequency: 1 })).toThrow(
      'expected a period or a frequency',
    );
  });
});

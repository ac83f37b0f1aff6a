import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { closeFd, enableRunTimeStats, perfEventOpen } from '../kernel';
import { ProgramType } from '../object';
import { type Program } from '../runtime';
import { tracepointCauses } from './causes';
import { attachEvent, EventLink } from './event-link';
import { type Attempt } from './failure';
import { tracepointId } from './tracepoint-id';

const name = 'sched_process_exec';
const where = `tracepoint sched/${name}`;

kernelSuite('a program on a perf event without a link, as before Linux 5.15', () => {
  let stats = -1;
  let program: Program;
  let attempt: Attempt;
  let gone = 0;
  beforeAll(() => {
    stats = enableRunTimeStats();
    program = tinyProgram({ type: ProgramType.tracepoint });
    attempt = { program, where, needs: ['CAP_PERFMON'], causes: tracepointCauses };
  });
  afterAll(() => {
    program.close();
    closeFd(stats);
  });

  const event = (cookie?: bigint) => ({
    fd: perfEventOpen({ type: 2, config: tracepointId({ category: 'sched', name }) }, -1, 0),
    hook: 'tracepoint',
    by: 'ioctl' as const,
    cookie,
    onClose: () => void gone++,
  });

  function runsOfAnExec(): bigint {
    const before = program.info().runCount;
    spawnSync('true');
    return program.info().runCount - before;
  }

  test('it runs until it is closed, and says where it is', () => {
    const link = attachEvent(event(), attempt);
    expect(link).toBeInstanceOf(EventLink);
    expect(runsOfAnExec()).toBeGreaterThan(0n);
    expect([link.hook, link.describe()]).toEqual(['tracepoint', where]);
    expect(link.info()).toMatchObject({ programId: program.id, kind: 'tracepoint', text: name });
    link.close();
    link.close();
    expect(gone).toBe(1);
    expect(runsOfAnExec()).toBe(0n);
  });

  test('what needs a link is refused, and a failure leaves no event', () => {
    const link = attachEvent(event(), attempt);
    expect(() => link.pin('/sys/fs/bpf/event')).toThrow(
      expect.objectContaining({ code: 'PIN_FAILED', message: expect.stringContaining('no link holds it') }),
    );
    expect(() => link.update(program)).toThrow('attach the new program, then close this');
    expect(() => link.detach()).toThrow('detach when they are closed');
    link.close();
    const before = gone;
    expect(() => attachEvent(event(7n), attempt)).toThrow('no cookie is possible');
    const other = tinyProgram({ type: ProgramType.kprobe });
    expect(() => attachEvent(event(), { ...attempt, program: other })).toThrow(/EINVAL/);
    other.close();
    expect(gone).toBe(before + 2);
  });
});

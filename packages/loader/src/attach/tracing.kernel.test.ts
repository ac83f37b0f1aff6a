import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { closeFd, enableRunTimeStats, unmount } from '../kernel';
import { AttachType, ProgramType } from '../object';
import { type Program } from '../runtime';
import {
  attachFentry,
  attachLsm,
  attachRawTracepoint,
  attachTpBtf,
  attachTracepoint,
  linkDescription,
  type Link,
} from './index';

const tracepoint = () => tinyProgram({ type: ProgramType.tracepoint });
const rawTracepoint = () => tinyProgram({ type: ProgramType.raw_tracepoint });
const tpBtf = () =>
  tinyProgram({
    type: ProgramType.tracing,
    attachType: AttachType.trace_raw_tp,
    tracepoint: 'sched_process_exec',
  });

/** The program sees the execs of this test (and of others: never fewer), and none once the link is closed. */
function expectExecsSeen(program: Program, link: Link): void {
  const before = program.info().runCount;
  for (let i = 0; i < 3; i++) spawnSync('true');
  expect(program.info().runCount - before).toBeGreaterThanOrEqual(3n);
  link.close();
  const after = program.info().runCount;
  spawnSync('true');
  expect(program.info().runCount).toBe(after);
  program.close();
}

kernelSuite('attach to a tracepoint', () => {
  let stats = -1;
  beforeAll(() => {
    stats = enableRunTimeStats();
  });
  afterAll(() => closeFd(stats));

  test('tracepoint, through a perf event', () => {
    const program = tracepoint();
    const link = attachTracepoint(program, { category: 'sched', name: 'sched_process_exec', cookie: 7n });
    expect([link.hook, link.describe(), linkDescription(link.info())]).toEqual([
      'tracepoint',
      'tracepoint sched/sched_process_exec',
      'tracepoint sched_process_exec',
    ]);
    expect(() => link.update(program)).toThrow(/EINVAL .*cannot be updated/);
    expectExecsSeen(program, link);
  });

  test('raw_tracepoint', () => {
    const program = rawTracepoint();
    const link = attachRawTracepoint(program, { name: 'sched_process_exec' });
    expect([link.hook, linkDescription(link.info())]).toEqual([
      'raw_tracepoint',
      'raw_tracepoint sched_process_exec',
    ]);
    expect(() => link.update(program)).toThrow(/EINVAL .*cannot be updated/);
    expect(() => link.detach()).toThrow(/detach when they are closed/);
    expectExecsSeen(program, link);
  });

  test('tp_btf, at the tracepoint it was loaded for and no other', () => {
    const program = tpBtf();
    const link = attachTpBtf(program);
    expect([link.hook, link.describe(), linkDescription(link.info())]).toEqual([
      'tp_btf',
      'tp_btf sched_process_exec',
      'tp_btf sched_process_exec',
    ]);
    expect(() => attachTpBtf(program, { name: 'sched_switch' })).toThrow(
      'cannot be attached to tp_btf sched_switch: found a program that was loaded for sched_process_exec',
    );
    expectExecsSeen(program, link);
  });

  test('a tracepoint that does not exist is answered with the nearest', () => {
    const [program, raw] = [tracepoint(), rawTracepoint()];
    expect(() => attachTracepoint(program, { category: 'sched', name: 'sched_proces_exec' })).toThrow(
      expect.objectContaining({
        code: 'TRACEPOINT_NOT_FOUND',
        message: expect.stringContaining('did you mean sched/sched_process_exec'),
      }),
    );
    expect(() => attachRawTracepoint(raw, { name: 'sched_proces_exec' })).toThrow(
      expect.objectContaining({
        code: 'TRACEPOINT_NOT_FOUND',
        message: expect.stringContaining('did you mean sched_process_exec'),
      }),
    );
    expect(() => attachTracepoint(program)).toThrow('no target is given; give one, or name it');
    program.close();
    raw.close();
  });

  test('without tracefs a tracepoint cannot be looked up, and the error says how to mount it', () => {
    const program = tracepoint();
    unmount('/sys/kernel/tracing');
    expect(() => attachTracepoint(program, { category: 'sched', name: 'sched_process_exec' })).toThrow(
      'tracefs is not mounted; mount it: `mount -t tracefs tracefs /sys/kernel/tracing`',
    );
    program.close();
  });

  test('a program of one tracing hook is not attached to another', () => {
    const program = tpBtf();
    expect(() => attachFentry(program)).toThrow(
      "program 'tiny' cannot be attached to fentry: found a program that was loaded for attach type trace_raw_tp, expected trace_fentry",
    );
    expect(() => attachLsm(program)).toThrow('found a program of type tracing, expected lsm');
    program.close();
  });
});

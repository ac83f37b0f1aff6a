import { BpfError } from '@nx-bpf/loader';
import { expect, test } from 'vitest';
import { Undo } from './undo';

test('steps are undone in reverse order, and the error stays the same', async () => {
  const undo = new Undo();
  const done: string[] = [];
  const failing = undo.guard(() => {
    undo.push('a', () => done.push('a'));
    undo.push('b', () => done.push('b'));
    return Promise.reject(new BpfError('ATTACH_FAILED', 'no'));
  });
  await expect(failing).rejects.toMatchObject({ code: 'ATTACH_FAILED' });
  expect(done).toEqual(['b', 'a']);
});

test('a step that cannot be undone is named, and the others are undone all the same', async () => {
  const undo = new Undo();
  const done: string[] = [];
  const failing = undo.guard(() => {
    undo.push('pin x', () => done.push('x'));
    undo.push('pin y', () => {
      throw new Error('EBUSY');
    });
    return Promise.reject(new BpfError('VERIFIER_REJECTED', 'no'));
  });
  await expect(failing).rejects.toMatchObject({
    code: 'ROLLBACK_INCOMPLETE',
    fields: { problems: ['pin y: EBUSY'] },
  });
  expect(done).toEqual(['x']);
});

test('where it went wrong is still told after undoing failed, too', async () => {
  const undo = new Undo();
  undo.push('pin y', () => {
    throw new Error('EBUSY');
  });
  const error = new BpfError('VERIFIER_REJECTED', 'refused', { file: 'a.bpf.c', line: 7, program: 'guard' });
  await expect(undo.guard(() => Promise.reject(error))).rejects.toMatchObject({
    code: 'ROLLBACK_INCOMPLETE',
    fields: { file: 'a.bpf.c', line: 7, program: 'guard', problems: ['pin y: EBUSY'] },
  });
});

test('what was committed is not undone', async () => {
  const undo = new Undo();
  const done: string[] = [];
  undo.push('a', () => done.push('a'));
  undo.commit();
  await expect(undo.guard(() => Promise.reject(new Error('later')))).rejects.toThrow('later');
  expect(done).toEqual([]);
});

test('what is owned is closed at either end', async () => {
  const closed: string[] = [];
  const undo = new Undo();
  await undo.guard(() => {
    undo.own('x', { close: () => closed.push('x') });
    undo.push('a', () => closed.push('a'));
    undo.commit();
    undo.push('b', () => closed.push('b'));
    expect(closed).toEqual([]);
    return Promise.resolve();
  });
  expect(closed).toEqual(['x']);
  undo.own('y', { close: () => closed.push('y') });
  await expect(undo.guard(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(closed).toEqual(['x', 'y']);
});

test('a failure after the commit is not said to have been rolled back', async () => {
  const undo = new Undo();
  const late = undo.guard(() => {
    undo.touch();
    undo.commit();
    return Promise.reject(new BpfError('FILE', 'cannot be removed'));
  });
  await expect(late).rejects.toMatchObject({ code: 'FILE', message: 'cannot be removed' });
});

test('an interruption says that all is as before only where it is', async () => {
  const interrupted = (back: () => void): Promise<never> => {
    const undo = new Undo();
    return undo.guard(() => {
      undo.touch();
      undo.push('pin x', back);
      return Promise.reject(new BpfError('INTERRUPTED', 'stopped by SIGINT'));
    });
  };
  await expect(interrupted(() => undefined)).rejects.toMatchObject({
    code: 'INTERRUPTED',
    message: 'stopped by SIGINT; everything is as it was before',
  });
  const failing = (): void => {
    throw new Error('EBUSY');
  };
  await expect(interrupted(failing)).rejects.toMatchObject({
    code: 'ROLLBACK_INCOMPLETE',
    message: expect.not.stringContaining('as it was before') as unknown,
  });
});

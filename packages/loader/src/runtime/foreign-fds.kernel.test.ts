import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { Link } from '../attach';
import { openPath } from '../kernel';
import { BpfMap, Program } from './index';

kernelSuite('fds of something else', () => {
  test.each([
    ['link', (fd: number) => new Link(fd)],
    ['program', (fd: number) => new Program(fd)],
    ['map', (fd: number) => new BpfMap(fd)],
  ])('what is no %s is refused, and closed', (_, make) => {
    const fd = openPath('/dev/null');
    expect(() => make(fd)).toThrow(expect.objectContaining({ code: 'SYSCALL_FAILED' }));
    expect(existsSync(`/proc/thread-self/fd/${fd}`)).toBe(false);
  });
});

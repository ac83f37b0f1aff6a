import os from 'node:os';
import { describe, expect, test } from 'vitest';
import { checkFlag } from './cflags';

const check = (flag: string) => checkFlag(os.tmpdir(), os.tmpdir(), flag);

describe('flags for clang', () => {
  test.each([
    '-Wall',
    '-Wno-unused-function',
    '-Werror=implicit-function-declaration',
    '-DNAME',
    '-DNAME="a b"',
    '-UNAME',
    '-O2',
    '-std=gnu11',
    '-fno-builtin',
    '-fno-unroll-loops',
    '-fms-extensions',
  ])('%s is allowed', (flag) => {
    expect(check(flag)).toEqual({ flag });
  });

  test('an include directory becomes absolute, and stays in the workspace', () => {
    expect(check('-Iinclude')).toEqual({ flag: `-I${os.tmpdir()}/include` });
    expect(check('-isystem./x')).toEqual({ flag: `-isystem${os.tmpdir()}/x` });
    expect(check('-I/usr/include')).toHaveProperty('problem');
    expect(check('-I../x')).toHaveProperty('problem');
    expect(check('-I')).toEqual({ problem: "flag '-I' without its directory: write -I<directory>" });
  });

  test.each([
    '-o/etc/passwd',
    '-o',
    '-x',
    '-xc++',
    '-Xclang',
    '-load',
    '-fplugin=./evil.so',
    '-fpass-plugin=./evil.so',
    '-mllvm',
    '@flags',
    '-Wl,-plugin',
    '-Wp,-include,/etc/passwd',
    '-include/etc/passwd',
    '-B.',
    '--config=x',
    '-specs=x',
    '-fuse-ld=./evil',
    '-wrapper',
    '-c',
    '-mcpu=v4',
    '--target=x86_64',
    'src/other.c',
    '-DNAME\n-o',
    '',
  ])('%j is refused', (flag) => {
    expect(check(flag)).toHaveProperty('problem');
  });

  test('what we set ourselves is said to be so', () => {
    expect(check('-mcpu=v4')).toEqual({
      problem:
        "flag '-mcpu=v4' is not allowed, nx-bpf sets it itself: allowed are -W..., -D..., -U..., -I..., -O..., -std=... and some -f...",
    });
  });
});

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { BtfKind } from '../btf';
import { kernelSuite } from '../../../../tools/testing/kernel';
import {
  fileSystemMagic,
  fileSystemType,
  findMount,
  findTracefs,
  kernelBtfBytes,
  kernelIdentity,
  kernelSymbols,
  runningKernel,
  tagAlgorithm,
} from './index';

kernelSuite('the running kernel', () => {
  test('its types', () => {
    const btf = runningKernel().btf();
    expect(btf.find('task_struct', BtfKind.STRUCT)).toBeGreaterThan(0);
    expect(runningKernel().btf()).toBe(btf);
    expect(kernelBtfBytes().subarray(0, 2)).toEqual(Uint8Array.of(0x9f, 0xeb));
  });

  test('its identity is a build id', () => {
    expect(kernelIdentity().buildId).toMatch(/^[0-9a-f]{40}$/);
  });

  test('its configuration and version', () => {
    expect(runningKernel().kconfig?.().get('CONFIG_BPF_SYSCALL')).toBe('y');
    const [major, minor] = kernelIdentity().release.split('.').map(Number);
    expect(Number(runningKernel().virtual?.('LINUX_KERNEL_VERSION')) >> 8).toBe(major! * 256 + minor!);
    expect(runningKernel().virtual?.('LINUX_HAS_BPF_COOKIE')).toBe(1n);
    expect(runningKernel().virtual?.('LINUX_HAS_SYSCALL_WRAPPER')).toBe(1n);
  });

  test('addresses of its symbols are those that grep finds', () => {
    const line = execFileSync('grep', ['-m1', ' _text$', '/proc/kallsyms'], { encoding: 'utf8' });
    expect(kernelSymbols(['_text']).get('_text')).toEqual([BigInt(`0x${line.split(' ')[0]}`)]);
  });

  test('its tags', () => {
    expect(['sha1', 'sha256']).toContain(tagAlgorithm());
  });

  test('file systems are found through mountinfo', () => {
    expect(fileSystemType(findMount('bpf')!)).toBe(fileSystemMagic.bpffs);
    expect(fileSystemType(findMount('cgroup2')!)).toBe(fileSystemMagic.cgroup2);
    expect(findTracefs()).toBe('/sys/kernel/tracing');
  });
});

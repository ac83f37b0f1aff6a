import { mkdirSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import {
  closeFd,
  linkCreate,
  mapCreate,
  mount,
  objectPin,
  openPath,
  programLoad,
  unmount,
} from '../../packages/loader/src/kernel';
import { kernelSuite } from './kernel';
import { leaked, snapshot } from './leaks';

kernelSuite('the test helper itself', (kernel) => {
  test('C is compiled to an object', () => {
    const object = kernel.compile('int answer = 42;', { name: 'answer' });
    expect(readFileSync(object).subarray(0, 4).toString('latin1')).toBe('\x7fELF');
    expect(() => kernel.compile('int answer = ;', { name: 'broken' })).toThrow('expected expression');
  });

  test('a forgotten fd and a forgotten pin are noticed', async () => {
    const before = snapshot(kernel.bpffs);
    const map = mapCreate({ map_type: 2, key_size: 4, value_size: 4, max_entries: 1, map_name: 'forgotten' });
    expect(await leaked(before)).toEqual([expect.stringContaining('anon_inode:bpf-map')]);
    const pin = path.join(kernel.bpffs, 'forgotten');
    expect(objectPin(map, pin)).toBe(0);
    closeFd(map);
    expect(await leaked(before)).toEqual([`pin ${pin}`]);
    unlinkSync(pin);
    expect(await leaked(before)).toEqual([]);
  });

  test('a forgotten directory, file or namespace is noticed', async () => {
    const before = snapshot(kernel.bpffs);
    const fds = ['/sys/fs/bpf', '/proc/self/ns/net', '/proc/self/status'].map((file) => openPath(file));
    expect((await leaked(before)).map((line) => line.replace(/\d+/g, 'N')).sort()).toEqual([
      'fd N /proc/N/status',
      'fd N /sys/fs/bpf',
      'fd N net:[N]',
    ]);
    fds.forEach(closeFd);
    expect(await leaked(before)).toEqual([]);
  });

  test('an object that nothing of this process holds is noticed', async () => {
    const before = snapshot(kernel.bpffs);
    const outer = path.join(kernel.directory, 'elsewhere');
    mkdirSync(outer);
    mount({ type: 'bpf', target: outer });
    const map = mapCreate({ map_type: 2, key_size: 4, value_size: 4, max_entries: 1, map_name: 'elsewhere' });
    expect(objectPin(map, path.join(outer, 'm'))).toBe(0);
    closeFd(map);
    expect(await leaked(before)).toEqual([expect.stringMatching(/^map \d+ elsewhere$/)]);
    unlinkSync(path.join(outer, 'm'));
    unmount(outer);
  });

  test('packets pass a veth pair in both directions, and only those sent', async () => {
    await kernel.withVeth((veth) => {
      const received = () =>
        Number(
          readFileSync(`/proc/net/dev`, 'utf8').match(
            new RegExp(`${veth.interface}:\\s*\\d+\\s+(\\d+)`),
          )?.[1],
        );
      expect(received()).toBe(0);
      veth.sendFromFar(3);
      expect(received()).toBe(3);
      const { result } = programLoad({
        prog_type: 6,
        insns: Buffer.from('b7000000010000009500000000000000', 'hex'),
        insn_cnt: 2,
        license: 'GPL',
        expected_attach_type: 37,
      });
      const link = linkCreate({ prog_fd: result, target: veth.ifindex, attach_type: 37 });
      expect(link).toBeGreaterThan(0);
      closeFd(link);
      closeFd(result);
    });
  });

  test('a cgroup is there while it is used', async () => {
    const used = await kernel.withCgroup((cgroup) => {
      writeFileSync(path.join(cgroup, 'cgroup.max.depth'), '1');
      return cgroup;
    });
    expect(readdirSync(path.dirname(used))).not.toContain(path.basename(used));
  });
});

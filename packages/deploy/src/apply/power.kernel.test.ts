import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { BpfMap } from '@nx-bpf/loader';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CommandLine } from '../../../../tools/testing/command-line';
import { DeploymentFixture } from '../../../../tools/testing/deployment';
import { kernelSuite, type Veth } from '../../../../tools/testing/kernel';
import { leaked, snapshot } from '../../../../tools/testing/leaks';
import { mount, unmount } from '../../../loader/src/kernel';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
const volatile __u32 verdict = XDP_PASS;
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u64); } packets SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u32); } weights SEC(".maps");
SEC("xdp") int NAME(void *ctx) {
  __u32 key = OWN, *weight = bpf_map_lookup_elem(&weights, &key);
  __u64 *count = bpf_map_lookup_elem(&packets, &key);
  if (count && weight) __sync_fetch_and_add(count, *weight);
  return verdict;
}
`;

/**
 * What a reboot leaves: no pins, so no programs, maps and links. A bpffs that is unmounted takes all of it away just so;
 * what is left of it in the kernel is looked up by id.
 */
kernelSuite('when everything in the kernel is gone', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  const commandLine = new CommandLine(kernel);
  const projects = ['a', 'b'];
  const file = (name: string): string => path.join(fixture.workspace, name);
  const nxBpf = (...args: string[]) => commandLine.runAs(['env', '-C', fixture.workspace], ...args);
  beforeEach(() => fixture.reset());
  afterEach(() => fs.rmSync(fixture.root, { recursive: true, force: true }));

  const workspace = (veth: Veth): void => {
    fs.writeFileSync(
      file('bpf.config.yaml'),
      `version: 1
pin: { root: ${fixture.root} }
toolchain: { clang: clang-19 }
maps: { packets: { pin: shared } }
`,
    );
    for (const [own, name] of projects.entries()) {
      fs.mkdirSync(file(name), { recursive: true });
      fs.writeFileSync(file(`${name}/package.json`), `{ "name": "${name}" }`);
      const text = source.replace('NAME', `guard_${name}`).replace('OWN', String(own));
      fs.writeFileSync(file(`${name}/x.bpf.c`), text);
      const hook = name === 'a' ? `xdp: { interface: ${veth.interface} }` : `xdp: { interface: nxb-other0 }`;
      fs.writeFileSync(
        file(`${name}/bpf.config.yaml`),
        `version: 1
objects: { ${name}: { source: x.bpf.c } }
maps: { weights: { contents: { mode: exact, values: { "${own}": ${10 + own} } } } }
programs: { guard_${name}: { object: ${name}, attach: [{ id: uplink, ${hook} }] } }
`,
      );
    }
  };
  const counted = (): number[] => {
    const map = BpfMap.open<number, bigint>(path.join(fixture.root, 'shared/dev/maps/packets'));
    try {
      return [...map.entries()].map(([, count]) => Number(count));
    } finally {
      map.close();
    }
  };
  const reboot = (): void => {
    unmount(kernel.bpffs);
    mount({ type: 'bpf', target: kernel.bpffs });
  };
  const statuses = (command: string): (number | null)[] =>
    projects.map((name) => nxBpf(command, name).status);

  test('status says so, and apply makes all of it again', { timeout: 120_000 }, () =>
    kernel.withVeth(async (veth) => {
      spawnSync('ip', ['link', 'add', 'nxb-other0', 'type', 'veth', 'peer', 'name', 'nxb-other1']);
      workspace(veth);
      const before = snapshot(kernel.bpffs);
      expect(statuses('apply')).toEqual([0, 0]);
      veth.sendFromFar(3);
      expect(counted()).toEqual([30, 0]);
      expect(statuses('status')).toEqual([0, 0]);
      const deployed = fixture.pins();

      reboot();
      // Nothing of it lives on without its pins.
      expect(await leaked(before)).toEqual([]);
      const gone = nxBpf('status', 'a');
      expect(gone).toMatchObject({
        status: 2,
        stdout: expect.stringContaining('gone with a reboot or with the bpf file system') as string,
      });
      const json = nxBpf('status', 'b', '--json');
      expect(JSON.parse(json.stdout)).toMatchObject({ state: 'absent', drift: [] });
      expect(json.status).toBe(2);
      // There is nothing to go back to, or to repair; nothing to destroy is no error.
      expect(nxBpf('rollback', 'a')).toMatchObject({
        status: 8,
        stderr: expect.stringContaining('nothing is deployed for a/dev') as string,
      });
      expect(nxBpf('status', 'a', '--repair').status).toBe(2);
      expect(nxBpf('destroy', 'b').status).toBe(0);
      expect(nxBpf('plan', 'a', '--detailed-exitcode')).toMatchObject({
        status: 2,
        stdout: expect.stringMatching(/\d+ to add, 0 to change, 0 to remove; generation 0 to 1/) as string,
      });

      expect(statuses('apply')).toEqual([0, 0]);
      expect(fixture.pins()).toEqual(deployed);
      expect(statuses('status')).toEqual([0, 0]);
      expect(counted()).toEqual([0, 0]);
      veth.sendFromFar(2);
      expect(counted()).toEqual([20, 0]);
      expect(statuses('destroy')).toEqual([0, 0]);
      expect(await leaked(before)).toEqual([]);
      spawnSync('ip', ['link', 'del', 'nxb-other0']);
    }),
  );

  test('no bpf file system at all is said as such, and nothing is written where it should be', () =>
    kernel.withVeth(async (veth) => {
      workspace(veth);
      unmount(kernel.bpffs);
      try {
        expect(nxBpf('status', 'a')).toMatchObject({
          status: 2,
          stdout: expect.stringContaining('is not on a bpf file system') as string,
        });
        const refused = nxBpf('apply', 'a');
        expect(refused.stderr).toContain('error NO_BPFFS');
        expect(refused.status).not.toBe(0);
        expect(fs.readdirSync(kernel.bpffs)).toEqual([]);
      } finally {
        mount({ type: 'bpf', target: kernel.bpffs });
      }
    }));

  test('what runs in another mount namespace is not taken for gone: apply names who holds the hook', () =>
    kernel.withVeth(async (veth) => {
      workspace(veth);
      expect(nxBpf('apply', 'a').status).toBe(0);
      const elsewhere = (command: string) =>
        commandLine.runAs(
          [
            'unshare',
            '-m',
            'sh',
            '-c',
            `mount -t bpf bpf ${kernel.bpffs} && cd ${fixture.workspace} && exec "$@"`,
            'sh',
          ],
          ...[command, 'a'],
        );
      expect(elsewhere('status').status).toBe(2);
      const refused = elsewhere('apply');
      expect(refused.stderr).toContain('ATTACH_CONFLICT');
      expect(refused.status).toBe(8);
      veth.sendFromFar(2);
      expect(counted()).toEqual([20, 0]);
      expect(nxBpf('status', 'a').status).toBe(0);
      expect(nxBpf('destroy', 'a').status).toBe(0);
    }));
});

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { BpfMap } from '@nx-bpf/loader';
import { expect, test } from 'vitest';
import { kernelSuite } from '../testing/kernel';
import { scripts, workflows } from './ci-document';

const bin = path.resolve(__dirname, '../../packages/deploy/bin/nx-bpf.js');
const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
__u64 seen;
SEC("xdp") int guard(struct xdp_md *ctx) { __sync_fetch_and_add(&seen, STEP); return XDP_PASS; }
char LICENSE[] SEC("license") = "GPL";
`;

kernelSuite('the host of docs/ci.md', (kernel) => {
  const place = (...names: string[]): string => path.join(kernel.directory, ...names);
  const write = (file: string, text: string, mode = 0o644): void => {
    fs.mkdirSync(path.dirname(place(file)), { recursive: true });
    fs.writeFileSync(place(file), text, { mode });
  };
  /** A script of the page, by the shell that a runner has, in a directory. */
  const sh = (
    directory: string,
    script: string,
  ): { status: number | null; stdout: string; stderr: string } => {
    const text = script
      .replaceAll('${{ matrix.environment }}', 'prod')
      .replaceAll('${{ github.sha }}', '28cb2dd')
      .replaceAll('/var/lib/nx-bpf', place('plans'));
    return spawnSync('bash', ['--norc', '-e', '-c', text], {
      cwd: place(directory),
      encoding: 'utf8',
      env: { PATH: `${place('bin')}:${process.env['PATH']}`, NO_COLOR: '1' },
    });
  };
  const run = (job: string): ((wanted: string) => string) => {
    const steps = workflows[0]!.jobs[job]!.steps;
    return (wanted) => steps.find((step) => step.name === wanted)!.run!;
  };
  const script = (wanted: string): string => scripts.find((each) => each.includes(wanted))!;
  /** What `guard` counted of three packets. */
  const counted = (send: (count: number) => void): number => {
    send(3);
    const map = BpfMap.open<number, { seen: number }>(
      path.join(kernel.bpffs, 'nx-bpf/agent/prod/maps/edge_bss'),
    );
    const { seen } = map.lookup(0)!;
    map.close();
    return seen;
  };

  test(
    'plans, applies what was planned, keeps the bundle; a stale plan is refused',
    { timeout: 120_000 },
    () =>
      kernel.withVeth((veth) => {
        const version = (step: number): void =>
          write('checkout/agent/src/edge.bpf.c', source.replace('STEP', String(step)));
        write(
          'checkout/agent/bpf.config.yaml',
          `version: 1
toolchain: { clang: clang-19 }
objects: { edge: {} }
programs: { guard: { attach: [{ id: uplink, xdp: { interface: ${veth.interface} } }] } }
`,
        );
        write(
          'checkout/bpf.config.yaml',
          `version: 1\npin: { root: ${kernel.bpffs}/nx-bpf }\nenvironments: { staging: {}, prod: {} }\n`,
        );
        write('checkout/agent/package.json', '{ "name": "agent" }');
        version(1);
        for (const name of ['host', 'plans']) fs.mkdirSync(place(name));
        // Root already, and this checkout's command line.
        for (const name of ['sudo', 'npx']) write(`bin/${name}`, '#!/bin/sh\nexec "$@"\n', 0o755);
        write('bin/nx-bpf', `#!/bin/sh\nexec ${process.execPath} ${bin} "$@"\n`, 0o755);
        const bundle = script('nx-bpf bundle').split('\n')[0]!;
        const made = sh(
          'checkout',
          `npx nx-bpf lock agent\n${bundle}\ncp agent-prod.nxbpf ../host/prod.nxbpf`,
        );
        expect(made.stderr).not.toContain('error');
        expect(made.status).toBe(0);
        const [plan, apply] = [run('plan'), run('apply')];

        expect(sh('host', plan('Plan'))).toMatchObject({
          status: 0,
          stdout: expect.stringContaining('Plan for agent@prod: ') as string,
        });
        expect(fs.readFileSync(place('host/prod.txt'), 'utf8')).toContain('+ program guard: create (new)');
        expect(sh('host', apply('Apply the plan that was approved'))).toMatchObject({ status: 0 });
        expect(sh('host', apply('See that it is so')).stdout).toContain('agent@prod: healthy, generation 1');
        expect(sh('host', apply('Keep the bundle, for status and rollback')).status).toBe(0);
        expect(counted(veth.sendFromFar)).toBe(3);
        // The plan is of what was there before.
        expect(sh('host', apply('Apply the plan that was approved'))).toMatchObject({
          status: 12,
          stderr: expect.stringContaining('PLAN_STALE') as string,
        });
        expect(sh('host', plan('Plan'))).toMatchObject({
          status: 0,
          stdout: expect.stringContaining('nothing to do') as string,
        });
        expect(sh('host', plan("A pull request's plan is to be read, not applied")).status).toBe(0);
        expect(fs.readdirSync(place('plans'))).toEqual(['prod.nxbpf']);

        // The next version, as a host with a checkout gets it; what is not locked is not built.
        version(10);
        expect(sh('checkout', script('apply agent')).status).toBe(16);
        expect(sh('checkout', 'nx-bpf lock agent').status).toBe(0);
        const upgraded = sh('checkout', script('apply agent'));
        expect(upgraded.stderr).not.toContain('error');
        expect(upgraded.stdout).toContain('agent@prod is at generation 2');
        expect(counted(veth.sendFromFar)).toBe(30);
        // And back, without it.
        expect(sh('host', script('rollback')).stdout).toContain('is back from generation 2 to what 1 was');
        expect(counted(veth.sendFromFar)).toBe(3 + 3);

        write('host/prod.nxbpf', 'no bundle');
        expect(sh('host', plan('Plan')).status).toBe(3);
        expect(sh('checkout', 'nx-bpf destroy agent -e prod').status).toBe(0);
      }),
  );
});

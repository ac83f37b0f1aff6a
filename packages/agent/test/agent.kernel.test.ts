import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { run } from '@nx-bpf/deploy';
import { BpfMap, RingBuffer } from '@nx-bpf/loader';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../tools/testing/kernel';
import { Agent } from '../src/bpf-types';
import { watch } from '../src/watch';

const workspaceRoot = path.resolve(__dirname, '../../..');

interface Traffic {
  packets: bigint | number;
  bytes: bigint | number;
}

kernelSuite('the agent, deployed from its manifest', (kernel) => {
  const root = (): string => path.join(kernel.bpffs, 'nx-bpf');
  const opened: { close(): void }[] = [];
  const open = <T extends { close(): void }>(closable: T): T => {
    opened.push(closable);
    return closable;
  };
  const map = <K, V>(name: string, environment = 'dev'): BpfMap<K, V> =>
    open(BpfMap.open(path.join(root(), 'agent', environment, 'maps', name)) as BpfMap<K, V>);

  /** Deploys to targets that the test made, and takes everything out again. */
  const deployed = async (
    environment: string,
    targets: { interface: string; cgroup: string },
    use: () => Promise<void> | void,
  ): Promise<void> => {
    const request = {
      workspaceRoot,
      project: 'agent',
      environment,
      set: [
        `pin.root=${root()}`,
        `programs.edge_guard.attach.uplink.xdp.interface=${targets.interface}`,
        'programs.edge_guard.attach.uplink.netns=null',
        `programs.egress_account.attach.egress.cgroup.path=${targets.cgroup}`,
      ],
    };
    expect(await run('apply', request)).toMatchObject({ success: true });
    try {
      await use();
    } finally {
      for (const each of opened.splice(0).reverse()) each.close();
      expect(await run('destroy', request)).toMatchObject({ success: true });
    }
    expect(fs.existsSync(root())).toBe(false);
  };

  test('the guard counts what passes, drops a blocked address, and reports samples', async () => {
    await kernel.withVeth((veth) =>
      kernel.withCgroup((cgroup) =>
        deployed('dev', { interface: veth.interface, cgroup }, () => {
          const verdicts = map<number, Traffic[]>('verdicts');
          const blocklist = map<string, number>('blocklist');
          // A ring buffer has no types of its own in the kernel; another map of its object has them all.
          const ring = open(
            new RingBuffer<{ verdict: number; ethertype: number }>(map('samples'), {
              type: 'struct packet_sample',
              btf: verdicts.btf,
            }),
          );
          const packets = (verdict: number): number =>
            verdicts.lookup(verdict)!.reduce((sum, cpu) => sum + Number(cpu.packets), 0);

          veth.sendFromFar(5);
          expect([packets(0), packets(1)]).toEqual([5, 0]);

          blocklist.update(`${veth.farAddress}/32`, 1);
          veth.sendFromFar(3);
          expect([packets(0), packets(1)]).toEqual([5, 3]);

          const seen = [...ring.drain()];
          expect(seen.map(({ verdict }) => verdict)).toEqual([0, 0, 0, 0, 0, 1, 1, 1]);
          expect(new Set(seen.map(({ ethertype }) => ethertype))).toEqual(new Set([0x0800]));
        }),
      ),
    );
  });

  test('an exec is seen in the ring buffer and counted by name', async () => {
    await kernel.withVeth((veth) =>
      kernel.withCgroup((cgroup) =>
        deployed('dev', { interface: veth.interface, cgroup }, () => {
          const commands = map<{ text: string }, number>('commands');
          const ring = open(
            new RingBuffer<{ pid: number; parent_pid: number; command: string; file: string }>(
              map('events'),
              {
                type: 'struct exec_event',
                btf: commands.btf,
              },
            ),
          );
          const program = path.join(kernel.directory, 'seen-by-agent');
          fs.copyFileSync('/bin/true', program);
          const { pid } = spawnSync(program);
          const event = [...ring.drain()].find((candidate) => candidate.pid === pid);
          expect(event).toMatchObject({ parent_pid: process.pid, command: 'seen-by-agent', file: program });
          expect(commands.lookup({ text: 'seen-by-agent' })).toBe(1);
        }),
      ),
    );
  });

  test('its TypeScript side prints execs and drops as they happen', async () => {
    await kernel.withVeth((veth) =>
      kernel.withCgroup((cgroup) =>
        deployed('dev', { interface: veth.interface, cgroup }, async () => {
          const lines: string[] = [];
          const controller = new AbortController();
          const printed = (pattern: RegExp): Promise<void> =>
            new Promise((resolve) => {
              const look = (): void =>
                lines.some((line) => pattern.test(line)) ? resolve() : void setTimeout(look, 5);
              look();
            });
          const directory = path.join(root(), 'agent', 'dev');
          const watching = watch(directory, (line) => lines.push(line), controller.signal);
          const program = path.join(kernel.directory, 'watched');
          fs.copyFileSync('/bin/true', program);
          const { pid } = spawnSync(program);
          await printed(new RegExp(`^exec  ${program}  \\(watched, pid ${pid} of ${process.pid}, uid 0\\)$`));

          const agent = Agent.open(directory);
          agent.maps.blocklist.update(`${veth.farAddress}/32`, 1);
          expect(agent.maps.blocklist.lookup(`${veth.farAddress}/32`)).toBe(1);
          agent.close();
          veth.sendFromFar(1);
          await printed(new RegExp(`^drop  \\d+ bytes on ${veth.interface}, ethertype 0x0800$`));
          controller.abort();
          await watching;
          expect(lines[0]).toBe('watching; one packet in 1 is looked at, 0 networks are blocked');
          expect(lines.filter((line) => line.startsWith('drop'))).toHaveLength(1);
        }),
      ),
    );
  });

  test('its types are those of its C', async () => {
    const before = fs.readFileSync(path.join(workspaceRoot, 'packages/agent/src/bpf-types.ts'), 'utf8');
    const output = path.join(kernel.directory, 'types.ts');
    expect(await run('types', { workspaceRoot, project: 'agent', environment: 'dev', output })).toMatchObject(
      {
        success: true,
        result: { changed: true },
      },
    );
    expect(fs.readFileSync(output, 'utf8')).toBe(before);
  });

  test('what a cgroup sends is counted for that cgroup', async () => {
    await kernel.withVeth((veth) =>
      kernel.withCgroup((cgroup) =>
        deployed('dev', { interface: veth.interface, cgroup }, () => {
          const accounts = map<bigint | number, Traffic>('egress_by_cgroup');
          const send = `echo $$ > ${cgroup}/cgroup.procs; for i in 1 2 3; do echo hello > /dev/udp/${veth.farAddress}/9; done`;
          execFileSync('bash', ['-c', send]);
          veth.sendFromNear(2);
          const id = fs.statSync(cgroup).ino;
          // IPv4 and UDP headers, and "hello\n".
          expect(accounts.lookup(id)).toEqual({ packets: 3, bytes: 3 * (20 + 8 + 6) });
          expect([...accounts.keys()]).toHaveLength(1);
        }),
      ),
    );
  });

  test('dev and prod side by side: other constants and map sizes, one header map for three objects', async () => {
    await kernel.withVeth((veth) =>
      kernel.withCgroup((cgroup) =>
        deployed('dev', { interface: veth.interface, cgroup }, async () => {
          const request = {
            workspaceRoot,
            project: 'agent',
            environment: 'prod',
            set: [
              `pin.root=${root()}`,
              `programs.edge_guard.attach.uplink.xdp.interface=${veth.farInterface}`,
              `programs.edge_guard.attach.uplink.netns=${veth.farNetns}`,
              `programs.egress_account.attach.egress.cgroup.path=${cgroup}`,
            ],
          };
          const prod = await run('apply', request);
          expect(prod).toMatchObject({ success: true, result: { environment: 'prod', generation: 1 } });
          const shape = (environment: string): unknown => {
            const rodata = map<number, unknown>('edge_rodata', environment);
            const blocklist = map('blocklist', environment);
            const found = [JSON.stringify(rodata.lookup(0)), blocklist.maxEntries];
            return found;
          };
          expect([shape('dev'), shape('prod')]).toEqual([
            ['{"sample_rate":1}', 1024],
            ['{"sample_rate":1000}', 1048576],
          ]);
          const { programs, maps } = prod.result as {
            programs: { name: string }[];
            maps: { name: string }[];
          };
          expect(programs.map(({ name }) => name)).toEqual(['edge_guard', 'egress_account', 'exec_monitor']);
          expect(maps.filter(({ name }) => name === 'agent_stats')).toHaveLength(1);
          expect(await run('destroy', request)).toMatchObject({ success: true });
        }),
      ),
    );
  });
});

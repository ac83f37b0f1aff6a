import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import {
  BpfMap,
  Link,
  loadFile,
  socketFd,
  StructOpsLink,
  StructOpsRegistration,
  pinObject,
  unregisterStructOps,
} from '@nx-bpf/loader';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { setSocketOption } from '../../../loader/src/kernel';
import { inOwnNetwork } from '../../../../tools/features/surroundings';
import { DeploymentFixture, type NamedObject } from '../../../../tools/testing/deployment';
import { type KilledApply } from '../../../../tools/testing/killed-apply';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { linkPin, mapPin } from '../state';
import { destroy, repair, rollback, status } from './index';

/** A congestion control that counts the connections that choose it, and the acknowledgements it is told of. */
const source = (step: number, name = 'nx_deployed') => `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
struct sock;
struct tcp_congestion_ops {
  void (*init)(struct sock *sk);
  unsigned int (*ssthresh)(struct sock *sk);
  void (*cong_avoid)(struct sock *sk, unsigned int ack, unsigned int acked);
  unsigned int (*undo_cwnd)(struct sock *sk);
  char name[16];
};
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u64); } counts SEC(".maps");
static void count(__u32 key) { __u64 *n = bpf_map_lookup_elem(&counts, &key); if (n) __sync_fetch_and_add(n, ${step}); }
SEC("struct_ops/init") void BPF_PROG(start, struct sock *sk) { count(0); }
SEC("struct_ops/ssthresh") unsigned int BPF_PROG(ssthresh, struct sock *sk) { return 7; }
SEC("struct_ops/cong_avoid") void BPF_PROG(avoid, struct sock *sk, unsigned int ack, unsigned int acked) { count(1); }
SEC("struct_ops/undo_cwnd") unsigned int BPF_PROG(undo, struct sock *sk) { return 8; }
#define OPS(text) { .name = text, .init = (void *)start, .ssthresh = (void *)ssthresh, \\
                    .cong_avoid = (void *)avoid, .undo_cwnd = (void *)undo }
SEC(".struct_ops.link") struct tcp_congestion_ops first = OPS("${name}");
SEC(".struct_ops.link") struct tcp_congestion_ops second = OPS("${name}");
SEC(".struct_ops") struct tcp_congestion_ops plain = OPS("${name}");
SEC("xdp") int pass(void *ctx) { return 2; }
char LICENSE[] SEC("license") = "GPL";
`;

const TCP_CONGESTION = [6, 13] as const;
const ENOENT = -2;

interface Connection {
  /** 0, or the negative error number with which the congestion control was refused. */
  readonly chosen: number;
  send(): Promise<void>;
  close(): Promise<void>;
}

/** A connection over the loopback interface whose client uses a congestion control. */
async function open(congestion: string): Promise<Connection> {
  const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(client, 'connect');
  const chosen = setSocketOption(socketFd(client), TCP_CONGESTION, Buffer.from(congestion));
  const [other] = (await accepted) as [Socket];
  return {
    chosen,
    send: () => new Promise((written) => client.write(Buffer.alloc(1 << 18), () => written())),
    close: async () => {
      client.end();
      await once(other, 'end');
      other.destroy();
      server.close();
    },
  };
}

async function transfer(congestion: string): Promise<number> {
  const connection = await open(congestion);
  await connection.send();
  await connection.close();
  return connection.chosen;
}

const available = (): string[] =>
  fs.readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'utf8').trim().split(' ');

kernelSuite('struct_ops by a manifest', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  const object = (step: number, name?: string) => [
    { name: 'cc', file: kernel.compile(source(step, name), { name: `cc-${step}-${name ?? ''}` }) },
  ];
  const manifest = (entries: string): void =>
    fixture.manifest(`version: 1\nobjects: { cc: {} }\nstructOps: { ${entries} }\n`);
  const linkOf = (id: string): { id: number; map: number } => {
    const link = Link.open(linkPin(fixture.layout, id));
    try {
      return { id: link.id, map: (link.info().target as { map_id: number }).map_id };
    } finally {
      link.close();
    }
  };
  const mapOf = (name: string): number => {
    const map = BpfMap.open(mapPin(fixture.layout, name));
    map.close();
    return map.id;
  };
  const counts = (): number[] => {
    const map = BpfMap.open<number, number | bigint>(mapPin(fixture.layout, 'counts'));
    try {
      return [Number(map.lookup(0)), Number(map.lookup(1))];
    } finally {
      map.close();
    }
  };
  /** An apply in a process of its own, killed before its step with that number. @returns false if it came to its end */
  const killedAt = async (step: number, objects: readonly NamedObject[]): Promise<boolean> => {
    const { workspace, cacheFolder } = fixture;
    const request: KilledApply = { workspace, objects, set: [], cacheFolder, bpffs: kernel.bpffs };
    const child = spawn(
      process.execPath,
      ['-r', './tools/run-source.js', 'tools/testing/killed-apply.ts', JSON.stringify(request)],
      { cwd: path.resolve(__dirname, '../../../..'), stdio: ['pipe', 'pipe', 'inherit'] },
    );
    await once(child.stdout, 'data');
    child.stdin.end(`${step}\n`);
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
    return signal !== null;
  };
  const end = () => destroy(fixture.load(), () => undefined);

  beforeEach(() => fixture.reset());

  test('it is registered, upgraded in place under an open connection, rolled back, and destroyed', async () => {
    const [one, two] = [object(1), object(1000)];
    await inOwnNetwork(async () => {
      manifest('cc: { map: first }');
      const { plan, deployment } = await fixture.apply(one);
      expect(plan.links).toMatchObject([
        {
          name: 'cc',
          action: 'create',
          program: 'first',
          hook: 'struct_ops',
          target: 'struct_ops tcp_congestion_ops',
        },
      ]);
      // Every program of the struct, and no other one of the object.
      expect(deployment.programs.map(({ name, type }) => [name, type])).toEqual(
        ['avoid', 'ssthresh', 'start', 'undo'].map((name) => [name, 'struct_ops']),
      );
      expect(deployment.maps.map(({ name }) => name)).toEqual(['counts', 'first']);
      expect(available()).toContain('nx_deployed');
      const connection = await open('nx_deployed');
      expect(connection.chosen).toBe(0);
      await connection.send();
      expect(counts()[0]).toBe(1);
      expect(counts()[1]).toBeGreaterThan(0);
      expect((await fixture.apply(one)).plan.empty).toBe(true);
      const link = linkOf('cc');
      expect(link.map).toBe(mapOf('first'));

      const upgrade = await fixture.apply(two);
      expect(upgrade.plan.links).toMatchObject([
        { name: 'cc', action: 'update', reasons: ['map'], switch: 'atomic' },
      ]);
      expect(linkOf('cc')).toEqual({ id: link.id, map: mapOf('first') });
      expect(mapOf('first')).not.toBe(link.map);
      // The connection goes on with what it began with; a new one has the new one.
      const [, acknowledged] = counts();
      await connection.send();
      expect(counts()[1]! - acknowledged!).toBeLessThan(1000);
      expect(await transfer('nx_deployed')).toBe(0);
      expect(counts()[0]).toBe(1001);

      const back = await rollback(fixture.load(), { note: () => undefined });
      expect(back.plan.links).toMatchObject([{ action: 'update', reasons: ['map'], switch: 'atomic' }]);
      expect(linkOf('cc')).toEqual(link);
      expect(await transfer('nx_deployed')).toBe(0);
      expect(counts()[0]).toBe(1002);
      expect(status(fixture.load()).state).toBe('healthy');
      await connection.close();

      await end();
      expect(available()).not.toContain('nx_deployed');
      expect(await transfer('nx_deployed')).toBe(ENOENT);
      expect(fixture.pins()).toEqual([]);
    });
  });

  test('another struct of the object takes its place in place; another id is the same link; another name is not', async () => {
    const [one, other] = [object(1), object(1, 'nx_other')];
    await inOwnNetwork(async () => {
      manifest('cc: { map: first }');
      await fixture.apply(one);
      const link = linkOf('cc');

      manifest('moved: { map: second }');
      const { plan } = await fixture.apply(one);
      expect(plan.links).toMatchObject([
        { name: 'moved', action: 'update', reasons: ['renamed', 'map'], switch: 'atomic', renamedFrom: 'cc' },
      ]);
      expect(linkOf('moved')).toEqual({ id: link.id, map: mapOf('second') });
      expect(fixture.pins()).not.toContain('links/cc');
      expect(fixture.pins()).not.toContain('maps/first');
      expect(available()).toContain('nx_deployed');

      // What the kernel knows it by is another: a new link, made before the old one goes.
      const renamed = await fixture.apply(other);
      expect(renamed.plan.links).toMatchObject([
        { action: 'replace', reasons: ['target'], switch: 'overlap' },
      ]);
      expect(available()).toContain('nx_other');
      await expect.poll(available).not.toContain('nx_deployed');
      await rollback(fixture.load(), { note: () => undefined });
      expect(available()).toContain('nx_deployed');
      expect(await transfer('nx_deployed')).toBe(0);
      await end();
    });
  });

  test("what fails on the way is undone, also where two structs of one name are in each other's way", async () => {
    const [one, two] = [object(1), object(1000)];
    await inOwnNetwork(async () => {
      manifest('a: { map: first }');
      await fixture.apply(one);
      const link = linkOf('a');
      const pins = fixture.pins();
      manifest('a: { map: first }, b: { map: second }');
      await expect(fixture.apply(two)).rejects.toThrow(
        expect.objectContaining({
          code: 'ROLLED_BACK',
          message: expect.stringMatching(/struct_ops second.*EEXIST/),
        }),
      );
      expect(linkOf('a')).toEqual(link);
      expect(fixture.pins()).toEqual(pins);
      expect(await transfer('nx_deployed')).toBe(0);
      expect(counts()[0]).toBe(1);
      manifest('a: { map: first }');
      expect(status(fixture.load()).state).toBe('healthy');
      await end();
    });
  });

  test('a link that somebody removed is drift, which a repair mends', async () => {
    const one = object(1);
    await inOwnNetwork(async () => {
      manifest('cc: { map: first }');
      await fixture.apply(one);
      fs.rmSync(linkPin(fixture.layout, 'cc'));
      await expect.poll(available).not.toContain('nx_deployed');
      const { state, drift } = status(fixture.load());
      expect([state, drift]).toEqual([
        'drifted',
        [expect.stringMatching(/^link cc: its pin is gone, so it is detached/)],
      ]);
      expect((await repair(fixture.load(), () => undefined)).plan?.links).toMatchObject([
        { action: 'create' },
      ]);
      expect(await transfer('nx_deployed')).toBe(0);

      // Somebody gave the link another map.
      const before = mapOf('first');
      const stranger = giveStranger(
        kernel.compile(source(7), { name: 'stranger' }),
        linkPin(fixture.layout, 'cc'),
      );
      expect(status(fixture.load()).drift).toEqual([
        `link cc: it runs map id ${stranger}, not ours (id ${before})`,
      ]);
      await repair(fixture.load(), () => undefined);
      expect(linkOf('cc').map).toBe(before);
      expect(status(fixture.load()).state).toBe('healthy');
      await end();
    });
  });

  test('one without a link: registered, upgraded with a gap, rolled back, repaired, unregistered', async () => {
    const [one, two] = [object(1), object(1000)];
    await inOwnNetwork(async () => {
      manifest('cc: { map: plain }');
      const { deployment } = await fixture.apply(one);
      expect(deployment.links).toMatchObject([
        { id: 'cc', hook: 'struct_ops', program: 'plain', target: 'struct_ops plain, without a link' },
      ]);
      const connection = await open('nx_deployed');
      expect(connection.chosen).toBe(0);
      expect(counts()[0]).toBe(1);
      expect((await fixture.apply(one)).plan.empty).toBe(true);
      expect(status(fixture.load()).state).toBe('healthy');

      const { plan } = await fixture.apply(two);
      expect(plan.links).toMatchObject([{ action: 'replace', reasons: ['map'], switch: 'gap' }]);
      expect(await transfer('nx_deployed')).toBe(0);
      expect(counts()[0]).toBe(1001);
      await connection.send();
      await connection.close();

      // The map of the generation before was unregistered, which is for good: it comes back as a copy.
      await rollback(fixture.load(), { note: () => undefined });
      expect(await transfer('nx_deployed')).toBe(0);
      expect(counts()[0]).toBe(1002);
      expect(status(fixture.load())).toMatchObject({ state: 'healthy', drift: [] });

      manifest('moved: { map: plain }');
      expect((await fixture.apply(one)).plan.links).toMatchObject([
        { action: 'update', reasons: ['renamed'] },
      ]);
      expect(available()).toContain('nx_deployed');
      expect(fixture.pins().filter((pin) => pin.startsWith('links/'))).toEqual(['links/moved']);

      const map = BpfMap.open(mapPin(fixture.layout, 'plain'));
      unregisterStructOps({ fd: map.fd, name: 'plain' });
      map.close();
      expect(status(fixture.load()).drift).toEqual([
        'map plain: it was unregistered, or its pin is gone',
        'link moved: it was unregistered (struct_ops plain, without a link)',
      ]);
      await repair(fixture.load(), () => undefined);
      expect(status(fixture.load()).state).toBe('healthy');
      expect(await transfer('nx_deployed')).toBe(0);
      expect(counts()[0]).toBe(1003);

      await end();
      expect(available()).not.toContain('nx_deployed');
      expect(fixture.pins()).toEqual([]);
    });
  });

  test('one without a link: what fails is registered again; a link takes its place, and the other way round', async () => {
    const [one, two] = [object(1), object(1000)];
    await inOwnNetwork(async () => {
      manifest('a: { map: plain }');
      await fixture.apply(one);
      // The second one has the name of the first.
      manifest('a: { map: plain }, b: { map: second }');
      await expect(fixture.apply(two)).rejects.toMatchObject({ code: 'ROLLED_BACK' });
      expect(await transfer('nx_deployed')).toBe(0);
      expect(counts()[0]).toBe(1);
      // It had to go, so it is a copy, of which the ledger does not know.
      manifest('a: { map: plain }');
      expect(status(fixture.load()).state).toBe('drifted');
      await repair(fixture.load(), () => undefined);
      expect(status(fixture.load()).state).toBe('healthy');
      expect(await transfer('nx_deployed')).toBe(0);
      expect(counts()[0]).toBe(2);

      manifest('a: { map: first }');
      expect((await fixture.apply(one)).plan.links).toMatchObject([
        { action: 'replace', reasons: ['target'] },
      ]);
      expect(linkOf('a').map).toBe(mapOf('first'));
      expect(await transfer('nx_deployed')).toBe(0);
      manifest('a: { map: plain }');
      await fixture.apply(one);
      expect(await transfer('nx_deployed')).toBe(0);

      // What the manifest no longer has is unregistered.
      fixture.manifest('version: 1\nobjects: { cc: {} }\nprograms: { pass: {} }\n');
      await fixture.apply(one);
      expect(available()).not.toContain('nx_deployed');
      await end();
    });
  });

  test('one without a link that an apply registered before it was killed goes with the next', async () => {
    const one = object(1);
    await inOwnNetwork(async () => {
      manifest('a: { map: plain }');
      await fixture.apply(one);
      const pin = linkPin(fixture.layout, 'a');
      const loaded = loadFile(kernel.compile(source(1, 'nx_killed'), { name: 'killed' }));
      const left = loaded.attachStructOps('plain');
      pinObject(loaded.map('plain').fd, 'left', `${path.dirname(pin)}/new__b`);
      if (left instanceof StructOpsRegistration) left.release();
      loaded.close();
      expect(available()).toContain('nx_killed');
      await fixture.apply(one);
      expect(available()).not.toContain('nx_killed');
      expect(available()).toContain('nx_deployed');
      await end();
    });
  });

  test.each(['first', 'plain'])(
    'an upgrade that is killed: the next apply makes it whole, and destroy leaves nothing (%s)',
    { timeout: 300_000 },
    async (map) => {
      const [one, two] = [object(1), object(1000)];
      await inOwnNetwork(async () => {
        manifest(`cc: { map: ${map} }`);
        let killed = true;
        let step = 1;
        for (; killed; step += 6) {
          await fixture.apply(one);
          killed = await killedAt(step, two);
          if (step % 12 === 1) {
            await fixture.apply(two);
            expect(status(fixture.load()), `after a kill at step ${step}`).toMatchObject({
              state: 'healthy',
              drift: [],
            });
            expect(await transfer('nx_deployed'), `after a kill at step ${step}`).toBe(0);
            expect(counts()[0]).toBe(1000);
          }
          await end();
          // A link goes with its last pin a little later: after an RCU grace period.
          await expect
            .poll(available, { message: `after a kill at step ${step}` })
            .not.toContain('nx_deployed');
          expect(fixture.pins(), `after a kill at step ${step}`).toEqual([]);
        }
        expect(step).toBeGreaterThan(20);
      });
    },
  );

  test('what is wrong in the manifest, and what is optional', async () => {
    const one = object(1);
    const refused = async (entries: string): Promise<string> => {
      manifest(entries);
      try {
        await fixture.apply(one);
        return 'applied';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(await refused('cc: {}')).toMatch(
      /:3:14: struct_ops 'cc': object 'cc' has no variable 'cc' of that kind; it has first, plain, second in SEC/,
    );
    expect(await refused('frist: {}')).toMatch(/did you mean first\?/);
    expect(await refused('a: { map: first }, b: { map: first }')).toMatch(/it is 'first', as 'a' is/);
    expect(await refused('a: { map: first, object: dd }')).toMatch(/no object is named 'dd'; known are cc/);
    fixture.manifest(`
version: 1
objects: { cc: {} }
maps: { first: { pin: none } }
structOps: { first: {} }
`);
    await expect(fixture.apply(one)).rejects.toThrow(
      /map 'first' is a struct_ops, which belongs to its project/,
    );

    const file = kernel.compile(source(1).replaceAll('tcp_congestion_ops', 'nx_no_such_ops'), {
      name: 'missing',
    });
    manifest('first: { optional: true }');
    const { deployment } = await fixture.apply([{ name: 'cc', file }]);
    expect(deployment.links).toEqual([]);
    expect(fixture.notes).toContainEqual(
      'link first left out: struct_ops nx_no_such_ops is not there, and the entry is optional',
    );
    await end();
  });
});

/** Gives a pinned link the map of another object. @returns the id of the map */
function giveStranger(file: string, pin: string): number {
  const loaded = loadFile(file);
  const link = StructOpsLink.open(pin);
  link.update(loaded.structOps('first'));
  link.close();
  const { id } = loaded.map('first');
  loaded.close();
  return id;
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BpfMap, Link } from '@nx-bpf/loader';
import { beforeEach, expect, test } from 'vitest';
import { DeploymentFixture, type NamedObject } from '../../../../tools/testing/deployment';
import { type FilteredTraffic, type Traffic } from '../../../../tools/testing/filtered-traffic';
import { kernelSuite, type Veth } from '../../../../tools/testing/kernel';
import { type KilledApply } from '../../../../tools/testing/killed-apply';
import { leaked, snapshot } from '../../../../tools/testing/leaks';
import { seededRandom } from '../../../../tools/testing/random';
import { destroy, status, type ApplyResult } from './index';
import { repair } from './repair';

/** `npm run soak` has 100. */
const upgrades = Number(process.env['SOAK_UPGRADES'] ?? 20);
const seed = Number(process.env['SOAK_SEED'] ?? Date.now() % 1_000_000);
const ports = { allowed: 7001, byXdp: 7002, byTcx: 7003 } as const;
const root = path.resolve(__dirname, '../../../..');

/**
 * Two filters one behind the other: each drops what is sent to a port of its own, and marks all else. A third program
 * watches what came past the first; its hook cannot be switched in place.
 */
const source = `
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
const volatile __u32 version = 1;
enum { SEEN, DROPPED_BY_XDP, WATCHED, DROPPED_BY_TCX, COUNTS };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, COUNTS); __type(key, __u32); __type(value, __u64); } counts SEC(".maps");
struct flow { FLOW };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32); __type(value, struct flow); } flows SEC(".maps");

static void count(__u32 what) {
  __u64 *total = bpf_map_lookup_elem(&counts, &what);
  if (total) __sync_fetch_and_add(total, 1);
}

SEC("xdp") int guard(struct xdp_md *ctx) {
  __u8 *packet = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (packet + 44 > end || packet[12] != 8 || packet[13] != 0 || packet[23] != 17) return XDP_PASS;
  __u32 port = packet[36] << 8 | packet[37];
  struct flow empty = {}, *flow = bpf_map_lookup_elem(&flows, &port);
  count(SEEN);
  if (!flow) {
    bpf_map_update_elem(&flows, &port, &empty, BPF_NOEXIST);
    flow = bpf_map_lookup_elem(&flows, &port);
  }
  if (flow) __sync_fetch_and_add(&flow->packets, 1);
  if (port == ${ports.byXdp}) {
    count(DROPPED_BY_XDP);
    return XDP_DROP;
  }
  packet[42] = version;
  return XDP_PASS;
}

SEC("tcx/ingress") int police(struct __sk_buff *skb) {
  __u8 header[38], mark = version;
  if (bpf_skb_load_bytes(skb, 0, header, sizeof(header)) || header[12] != 8 || header[13] != 0 || header[23] != 17)
    return TC_ACT_OK;
  if ((header[36] << 8 | header[37]) == ${ports.byTcx}) {
    count(DROPPED_BY_TCX);
    return TC_ACT_SHOT;
  }
  return bpf_skb_store_bytes(skb, 43, &mark, 1, 0) ? TC_ACT_SHOT : TC_ACT_OK;
}

struct net_device { char name[16]; } __attribute__((preserve_access_index));
struct sk_buff { struct net_device *dev; } __attribute__((preserve_access_index));
SEC("tp_btf/netif_receive_skb") int watch(__u64 *ctx) {
  struct sk_buff *skb = (void *)ctx[0];
  char name[9];
  if (bpf_probe_read_kernel(name, sizeof(name), skb->dev->name) || __builtin_memcmp(name, "DEVICE", sizeof(name)))
    return 0;
  count(WATCHED);
  return 0;
}
`;

/** What the value of `flows` looks like: every tenth upgrade changes it. */
const layouts = ['__u64 packets;', '__u32 last; __u64 packets; __u64 bytes;'];

kernelSuite('upgrades under traffic', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  beforeEach(() => fixture.reset());

  const compiled = (veth: Veth): NamedObject[][] =>
    layouts.map((layout, number) => {
      const text = source.replace('FLOW', layout).replace('DEVICE', veth.interface);
      return [{ name: 'edge', file: kernel.compile(text, { name: `edge${number}` }) }];
    });

  const read = (name: string): [key: number, value: unknown][] => {
    const map = BpfMap.open<number, unknown>(path.join(fixture.layout.maps, name));
    try {
      return [...map.entries()];
    } finally {
      map.close();
    }
  };
  const counts = () => {
    const [seen, droppedByXdp, watched, droppedByTcx] = read('counts').map(([, value]) => Number(value));
    return { seen: seen!, droppedByXdp: droppedByXdp!, watched: watched!, droppedByTcx: droppedByTcx! };
  };
  /** Packets that the map which migrates lacks. */
  const missing = (): number =>
    read('flows').reduce(
      (left, [, value]) => left - Number((value as { packets: number }).packets),
      counts().seen,
    );
  const linkIds = (): Record<string, number> =>
    Object.fromEntries(
      ['uplink', 'police', 'watch'].map((id) => {
        const link = Link.open(path.join(fixture.layout.links, id));
        try {
          return [id, link.info().id];
        } finally {
          link.close();
        }
      }),
    );
  const run = (file: string, request: object): ChildProcess =>
    spawn(process.execPath, ['-r', './tools/run-source.js', file, JSON.stringify(request)], {
      cwd: root,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
  const line = async (child: ChildProcess): Promise<string> => {
    const [data] = (await once(child.stdout!, 'data')) as [Buffer];
    return data.toString();
  };

  test(`${upgrades} of them`, { timeout: 60_000 + upgrades * 20_000 }, () =>
    kernel.withVeth(async (veth) => {
      fixture.manifest(`
version: 1
objects: { edge: { source: edge.bpf.c } }
maps: { flows: { migrate: { copy: { allowDropped: true, fields: { packets: { merge: sum } } } } } }
programs:
  guard: { object: edge, attach: [{ id: uplink, xdp: { interface: ${veth.interface} } }] }
  police: { object: edge, attach: [{ id: police, tcx: { interface: ${veth.interface}, direction: ingress } }] }
  watch: { object: edge, attach: [{ id: watch, tp_btf: {} }] }
`);
      const objects = compiled(veth);
      const before = snapshot(kernel.bpffs);
      const random = seededRandom(seed);
      const tally = { upgrades: 0, migrations: 0, longest: 0, during: 0, lostByKills: 0 };
      const kills = { early: 0, midway: 0, committed: 0, late: 0 };
      console.log(`seed ${seed}`);

      const stop = path.join(kernel.directory, 'stop');
      const request: FilteredTraffic = {
        address: veth.nearAddress,
        farNetns: veth.farNetns,
        ports: [ports.allowed, ports.byXdp, ports.byTcx],
        stop,
        seconds: 60 + upgrades * 20,
      };
      const traffic = run('tools/testing/filtered-traffic.ts', request);
      const killable = (layout: number, version: string): ChildProcess => {
        const { workspace, cacheFolder } = fixture;
        const request: KilledApply = {
          ...{ workspace, cacheFolder, objects: objects[layout]!, set: [version] },
          bpffs: kernel.bpffs,
        };
        return run('tools/testing/killed-apply.ts', request);
      };
      /** Nothing is sent while `look` looks: what two maps say can be compared. */
      const quiet = async <T>(look: () => T): Promise<T> => {
        traffic.kill('SIGSTOP');
        await sleep(50);
        try {
          return look();
        } finally {
          traffic.kill('SIGCONT');
        }
      };

      try {
        // The receivers can tell: without filters all of it arrives without marks.
        expect(JSON.parse(await line(traffic))).toMatchObject({ sent: 3, marked: 0, unfiltered: 3 });

        let layout = 0;
        const version = (number: number): string => `objects.edge.constants.version=${1 + (number % 255)}`;
        await fixture.apply(objects[layout]!, version(0));
        const links = linkIds();
        traffic.stdin!.write('go\n');

        /** An apply, and what holds after each. */
        const upgrade = async (number: number): Promise<ApplyResult> => {
          const passed = counts().seen;
          const start = performance.now();
          const result = await fixture.apply(objects[layout]!, version(number));
          tally.longest = Math.max(tally.longest, Math.round(performance.now() - start));
          tally.during += counts().seen - passed;
          return result;
        };
        const healthy = (number: number): void => {
          const { state, drift } = status(fixture.load(version(number)));
          expect({ state, drift }, `after upgrade ${number}, seed ${seed}`).toEqual({
            state: 'healthy',
            drift: [],
          });
          const { uplink, police } = linkIds();
          expect([uplink, police]).toEqual([links['uplink'], links['police']]);
        };

        /** How far an apply came that was killed. */
        let generation = 1;
        const found = (number: number): keyof typeof kills => {
          const { drift, deployment } = status(fixture.load(version(number)));
          if (deployment!.generation !== generation) return 'committed';
          return drift.length > 0 ? 'midway' : 'early';
        };
        /**
         * Milliseconds in which a process changes something: most of its time it reads and loads. They are not known
         * before, so what became of one kill narrows or widens them for the next.
         */
        const window = { from: 0, to: 400 };
        const learn = (how: keyof typeof kills, moment: number): void => {
          if (how === 'late') window.to = moment;
          else if (how === 'committed') window.to = (window.to + moment) / 2;
          else if (how === 'early') window.from = (window.from + Math.min(moment, window.to)) / 2;
          window.from *= 0.95;
          window.to *= 1.05;
        };
        let due = false;
        for (let number = 1; number <= upgrades; number++) {
          const migrates = number % 10 === 0;
          if (migrates) layout = 1 - layout;
          const lacked = migrates ? await quiet(missing) : 0;
          let how: keyof typeof kills | undefined;
          due ||= number % 5 === 0;
          if (due) {
            const child = killable(layout, version(number));
            await line(child);
            const start = performance.now();
            // Before no step of its own: the moment is that of a clock.
            child.stdin!.write('0\n');
            const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
            const moment = window.from + random() * (window.to - window.from);
            const kill = setTimeout(() => child.kill('SIGKILL'), moment);
            const [, signal] = await ended;
            clearTimeout(kill);
            // Late: it was through already, so the next upgrade is killed in its place.
            how = signal === 'SIGKILL' ? found(number) : 'late';
            due = how === 'late';
            kills[how]++;
            learn(how, performance.now() - start);
            if (random() < 0.5) {
              await repair(fixture.load(version(number)), () => undefined);
              healthy(number);
            }
          }
          const { plan, migrations, deployment } = await upgrade(number);
          ({ generation } = deployment);
          healthy(number);
          tally.upgrades++;
          if (migrates) {
            tally.migrations++;
            expect(read('flows').map(([, value]) => 'bytes' in (value as object))).toEqual([
              layout === 1,
              layout === 1,
              layout === 1,
            ]);
            const lost = (await quiet(missing)) - lacked;
            // What the new programs counted by then goes with the map that they counted in, when the old one is back.
            if (how === 'midway') expect(lost).toBeGreaterThanOrEqual(0);
            else expect(lost, `migration ${number}, killed: ${how}, seed ${seed}`).toBe(0);
            tally.lostByKills += lost;
          }
          if (how === undefined) {
            expect(plan.links.map(({ name, switch: how }) => [name, how])).toEqual([
              ['police', 'atomic'],
              ['uplink', 'atomic'],
              ['watch', 'overlap'],
            ]);
            expect(migrations).toEqual([]);
          }
        }
      } finally {
        fs.writeFileSync(stop, '');
        traffic.stdin!.end('go\n');
      }
      const { sent, allowed, marked, mixed, unfiltered, milliseconds } = JSON.parse(
        await line(traffic),
      ) as Traffic;
      const counted = counts();
      const rate = Math.round((sent / milliseconds) * 1000);
      const report = { seed, ...tally, kills, sent, counted, marked, mixed, unfiltered, rate };
      console.log(report);

      expect(unfiltered).toBe(0);
      expect(counted.seen).toBe(sent);
      expect(marked).toBe(allowed);
      expect(counted.droppedByXdp + counted.droppedByTcx).toBe(sent - allowed);
      expect(missing()).toBe(tally.lostByKills);
      // Where old and new watched for a moment, packets are there twice, but none is missing.
      expect(counted.watched).toBeGreaterThanOrEqual(sent - counted.droppedByXdp);
      expect(tally.during).toBeGreaterThan(0);

      await destroy(fixture.load(), () => undefined);
      expect(fixture.pins()).toEqual([]);
      expect(await leaked(before)).toEqual([]);
    }),
  );
});

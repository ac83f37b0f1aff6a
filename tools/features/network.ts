import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { sharingSocket } from '../testing/sockets';
import { type Feature, type Trial } from './feature';
import { makePair, sendTo } from './interface-pair';
import {
  closeFd,
  interfaceIndex,
  iterText,
  Link,
  listLinks,
  loadFile,
  mapCreate,
  MapType,
  mapUpdate,
  setSocketOption,
  socketFd,
  tcFilters,
  tcxPrograms,
  type Attachment,
  type Collection,
  type LoadFileOptions,
} from './loader';
import { inOwnNetwork, sendToSelf } from './surroundings';

const group = 'Hooks';
const tc = ['CONFIG_NET_CLS_BPF', 'CONFIG_NET_SCH_INGRESS'];
const trampolines = ['CONFIG_FUNCTION_TRACER'];
const key = new Uint8Array(4);
const words = (...numbers: number[]) => new Uint8Array(Uint32Array.of(...numbers).buffer);

/** Hooks of networks and sockets, and those that replace functions and structs of others. */
export const networkFeatures: readonly Feature[] = [
  {
    name: 'tc',
    group,
    since: '4.5',
    needs: tc,
    use: (trial) =>
      inOwnNetwork(() =>
        using(trial, ['on_tc', 'drop_tc'], async (loaded) => {
          const target = { interface: 'lo', direction: 'ingress' } as const;
          const filter = loaded.attach('on_tc', 'tc', { ...target, priority: 5 });
          assert.equal(await sendToSelf(), true, 'a packet passes');
          ran(loaded);
          filter.update(loaded.program('drop_tc'), loaded.program('on_tc'));
          assert.equal(await sendToSelf(), false, 'a packet is dropped');
          assert.equal(tcFilters(target, 'ingress')[0]?.programId, loaded.program('drop_tc').id);
          filter.detach();
          assert.equal(await sendToSelf(), true, 'a packet passes again');
        }),
      ),
  },
  {
    name: 'lwt',
    group,
    since: '4.10',
    needs: ['CONFIG_LWTUNNEL_BPF'],
    use: (trial) =>
      inOwnNetwork(() =>
        using(trial, ['on_lwt_out', 'drop_lwt_out'], async (loaded) => {
          const route = loaded.attach('on_lwt_out', 'lwt', { interface: 'lo', destination: '10.97.0.0/16' });
          await sendTo('10.97.0.1');
          ran(loaded);
          route.update(loaded.program('drop_lwt_out'), loaded.program('on_lwt_out'));
          assert.equal(route.programId(), loaded.program('drop_lwt_out').id);
          route.detach();
        }),
      ),
  },
  {
    name: 'socket_filter',
    group,
    since: '3.19',
    use: (trial) =>
      inOwnNetwork(() =>
        using(trial, ['on_socket', 'drop_socket'], async (loaded) => {
          const socket = createSocket('udp4');
          socket.bind(0, '127.0.0.1');
          await once(socket, 'listening');
          try {
            const filter = loaded.attach('on_socket', 'socket_filter', { socket });
            assert.equal(await arrives(socket), true, 'a datagram passes');
            ran(loaded);
            filter.update(loaded.program('drop_socket'));
            assert.equal(await arrives(socket), false, 'a datagram is dropped');
            filter.detach();
            assert.equal(await arrives(socket), true, 'a datagram passes again');
          } finally {
            socket.close();
          }
        }),
      ),
  },
  {
    name: 'sk_reuseport',
    group,
    since: '4.19',
    use: (trial) =>
      inOwnNetwork(() =>
        using(trial, ['on_sk_reuseport'], async (loaded) => {
          const socket = sharingSocket(0);
          try {
            const steering = loaded.attach('on_sk_reuseport', 'sk_reuseport', { socket });
            assert.equal(await arrives(socket), true, 'a datagram passes');
            ran(loaded);
            steering.detach();
          } finally {
            socket.close();
          }
        }),
      ),
  },
  {
    name: 'flow_dissector',
    group,
    since: '5.7',
    needs: tc,
    use: (trial) =>
      inOwnNetwork(() =>
        using(trial, ['on_flow_dissector', 'rehash'], async (loaded) => {
          loaded.attach('on_flow_dissector', 'flow_dissector', {});
          loaded.attach('rehash', 'tc', { interface: 'lo', direction: 'ingress' });
          await sendToSelf();
          ran(loaded);
        }),
      ),
  },
  {
    name: 'iter',
    group,
    since: '5.8',
    use: async (trial) => {
      await using(
        trial,
        ['on_iter'],
        (loaded) => {
          const link = loaded.attach('on_iter', 'iter', {});
          assert.equal(iterText(link), '', 'the program writes nothing');
          ran(loaded);
        },
        'hooks',
      );
    },
  },
  ...[
    ['sk_skb (verdict)', 'on_verdict'],
    ['sk_skb (stream_verdict)', 'on_stream_verdict', 'on_stream_parser'],
    ['sk_msg', 'on_sk_msg'],
  ].map(([name, ...programs]): Feature => ({
    name: name!,
    group,
    since: '6.10',
    needs: ['CONFIG_BPF_STREAM_PARSER'],
    use: (trial) =>
      inOwnNetwork(() =>
        using(trial, programs, async (loaded) => {
          const fd = mapCreate({ map_type: MapType.sockmap, key_size: 4, value_size: 4, max_entries: 1 });
          try {
            for (const program of programs) {
              loaded.attach(program, name === 'sk_msg' ? 'sk_msg' : 'sk_skb', { map: { fd } });
            }
            await streamThrough((socket) => mapUpdate(fd, key, words(socketFd(socket))));
          } finally {
            closeFd(fd);
          }
          ran(loaded);
        }),
      ),
  })),
  {
    name: 'place beside others (tcx)',
    group,
    since: '6.6',
    use: (trial) =>
      inOwnNetwork(() =>
        using(trial, ['on_tcx', 'before_tcx'], (loaded) => {
          const target = { interface: 'lo' };
          loaded.attach('on_tcx', 'tcx', target);
          loaded.attach('before_tcx', 'tcx', { ...target, order: 'first' });
          const ids = ['before_tcx', 'on_tcx'].map((name) => loaded.program(name).id);
          assert.deepEqual(tcxPrograms(target, 'ingress')?.programIds, ids);
        }),
      ),
  },
  {
    name: 'place beside others (netkit)',
    group,
    since: '6.7',
    needs: ['CONFIG_NETKIT'],
    use: (trial) =>
      inOwnNetwork(() =>
        using(trial, ['on_primary', 'before_primary'], async (loaded) => {
          const target = { interface: makePair('netkit', 'pair', '10.98.0.1') === undefined ? 'lo' : 'pair' };
          const first = loaded.attach('on_primary', 'netkit', target);
          loaded.attach('before_primary', 'netkit', { ...target, before: first });
          await sendTo('10.98.0.2');
          assert.ok(Number(loaded.variable('runs').get()) >= 2, 'both ran');
        }),
      ),
  },
  {
    name: 'netkit (peer)',
    group,
    since: '6.7',
    needs: ['CONFIG_NETKIT'],
    use: (trial) =>
      inOwnNetwork(() =>
        using(trial, ['on_peer'], async (loaded) => {
          const peer = makePair('netkit', 'pair', '10.98.0.1');
          loaded.attach('on_peer', 'netkit', { interface: peer === undefined ? 'lo' : 'pair' });
          await sendTo('10.98.0.2', peer);
          ran(loaded);
        }),
      ),
  },
  {
    name: 'xdp.frags',
    group,
    since: '5.18',
    use: (trial) =>
      inOwnNetwork(() =>
        using(trial, ['on_frags'], async (loaded) => {
          loaded.attach('on_frags', 'xdp', { interface: 'lo' });
          assert.equal(await sendToSelf(), true, 'a packet passes');
          ran(loaded);
        }),
      ),
  },
  {
    name: 'links of the system',
    group,
    since: '5.9',
    use: (trial) =>
      inOwnNetwork(() =>
        using(trial, ['on_frags'], (loaded) => {
          const link = loaded.attach('on_frags', 'xdp', { interface: 'lo' });
          const { id } = loaded.program('on_frags');
          const listed = listLinks({ programId: id }).map((each) => [each.id, each.hook, each.where]);
          assert.deepEqual(listed, [[link.id, 'xdp', 'xdp on lo (generic)']]);
          const opened = Link.byId(link.id);
          opened?.detach();
          opened?.close();
          assert.deepEqual(listLinks({ programId: id, ifindex: 1 }), [], 'it is detached');
        }),
      ),
  },
  {
    name: 'xdp in a devmap',
    group,
    since: '5.8',
    needs: ['CONFIG_VETH'],
    use: (trial) => redirected(trial, 'to_port', 'on_port', 'ports', interfaceIndex),
  },
  {
    name: 'xdp in a cpumap',
    group,
    since: '5.9',
    needs: ['CONFIG_VETH'],
    use: (trial) => redirected(trial, 'to_cpu', 'on_cpu', 'cpus', () => 192),
  },
  {
    name: 'freplace',
    group,
    since: '5.6',
    needs: trampolines,
    use: (trial) => replaced(trial, false),
  },
  {
    name: 'freplace (of another program)',
    group,
    since: '5.10',
    needs: trampolines,
    use: (trial) => replaced(trial, true),
  },
  {
    name: 'struct_ops',
    group,
    since: '5.6',
    use: (trial) => congestion(trial, 'plain'),
  },
  {
    name: 'struct_ops (link)',
    group,
    since: '6.4',
    use: (trial) => congestion(trial, 'linked'),
  },
];

/** Loads some programs of an object, and closes all that was made of it. */
async function using(
  trial: Trial,
  programs: readonly string[],
  use: (loaded: Collection) => void | Promise<void>,
  object = 'network',
  options: LoadFileOptions = {},
): Promise<void> {
  const loaded = loadFile(trial.object(object), { ...options, programs });
  try {
    await use(loaded);
  } finally {
    loaded.close();
  }
}

function ran(loaded: Collection): void {
  assert.ok(Number(loaded.variable('runs').get()) > 0, 'the program ran');
}

/** Packets reach a veth from the kernel's own threads: soon, but not at once. */
async function soonRan(loaded: Collection): Promise<void> {
  for (let attempt = 0; attempt < 50 && Number(loaded.variable('runs').get()) === 0; attempt++)
    await sleep(20);
  ran(loaded);
}

/** Whether a datagram that is sent to a socket now arrives. */
async function arrives(socket: ReturnType<typeof createSocket>): Promise<boolean> {
  const sender = createSocket('udp4');
  const arrived = once(socket, 'message', { signal: AbortSignal.timeout(500) }).then(
    () => true,
    () => false,
  );
  sender.send('nx-bpf', socket.address().port, '127.0.0.1', () => sender.close());
  return arrived;
}

/** Makes a TCP connection, hands over both of its ends, one after the other, and sends from each to the other. */
async function streamThrough(use: (end: Socket) => void): Promise<void> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [other] = (await accepted) as [Socket];
  try {
    use(client);
    const [toClient, toOther] = [client, other].map((end) =>
      once(end, 'data', { signal: AbortSignal.timeout(2000) }),
    );
    other.write('nx-bpf');
    await toClient;
    client.write('nx-bpf');
    await toOther;
  } finally {
    client.destroy();
    other.destroy();
    server.close();
  }
}

/** XDP on one end of a pair redirects what the other end sends through a map, whose value has a program of its own. */
async function redirected(
  trial: Trial,
  redirect: string,
  inMap: string,
  mapName: string,
  value: (end: string) => number,
): Promise<void> {
  await inOwnNetwork(() =>
    using(trial, [redirect, inMap], async (loaded) => {
      const end = makePair('veth', 'pair', '10.98.0.1');
      assert.ok(end !== undefined, 'a veth pair is made');
      loaded.map(mapName).raw.update(key, words(value(end), loaded.program(inMap).fd));
      // veth takes redirected frames only where its other end has a program, too.
      for (const name of ['pair', end]) loaded.attach(redirect, 'xdp', { interface: name, mode: 'native' });
      await sendTo('10.98.0.2');
      await soonRan(loaded);
    }),
  );
}

/** A program takes the place of a function: of the program it was loaded for, or of another one. */
async function replaced(trial: Trial, elsewhere: boolean): Promise<void> {
  await using(trial, ['guarded'], async (first) => {
    await using(trial, ['guarded'], async (second) => {
      const loadedFor = first.program('guarded');
      const target = elsewhere ? second.program('guarded') : loadedFor;
      const verdict = () => target.testRun({ data: new Uint8Array(64) }).returnValue;
      const options = { attachTargets: { milder: { program: loadedFor.fd } } };
      await using(
        trial,
        ['milder'],
        (loaded) => {
          assert.equal(verdict(), 1, 'itself');
          const milder = loaded.program('milder');
          const link = elsewhere ? milder.attach('freplace', { program: target }) : milder.autoAttach();
          assert.ok(link?.hook === 'freplace', 'it is attached');
          assert.equal(verdict(), 2, 'replaced');
          ran(loaded);
          link.close();
          assert.equal(verdict(), 1, 'itself again');
        },
        'network',
        options,
      );
    });
  });
}

const TCP_CONGESTION = [6, 13] as const;

/** A congestion control is registered, and a connection uses it. */
async function congestion(trial: Trial, name: 'plain' | 'linked'): Promise<void> {
  const choose = (socket: Socket): number =>
    setSocketOption(socketFd(socket), TCP_CONGESTION, Buffer.from(`nx_${name}`));
  await inOwnNetwork(() =>
    using(
      trial,
      [`${name}_init`],
      async (loaded) => {
        const registered: Attachment = loaded.attachStructOps(name);
        await streamThrough((socket) => assert.equal(choose(socket), 0, 'it can be chosen'));
        ran(loaded);
        registered.detach();
        await streamThrough((socket) => assert.equal(choose(socket), -2, 'it is gone'));
      },
      'congestion',
    ),
  );
}

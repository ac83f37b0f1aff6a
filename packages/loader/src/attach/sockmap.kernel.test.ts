import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket as NetSocket } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inOwnNetwork } from '../../../../tools/features/surroundings';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { closeFd, enableRunTimeStats, mapCreate, mapInfo, mapUpdate, objectPin } from '../kernel';
import { AttachType, ProgramType } from '../object';
import { type Program } from '../runtime';
import { attachSkMsg, attachSkSkb, linkDescription, socketFd, type SocketTarget } from './index';

const SK_DROP = 0;
const SK_PASS = 1;
const BPF_MAP_TYPE_SOCKMAP = 15;

const verdict = (returns: number) =>
  tinyProgram({ type: ProgramType.sk_skb, attachType: AttachType.sk_skb_verdict, returns });

const message = (returns: number) =>
  tinyProgram({ type: ProgramType.sk_msg, attachType: AttachType.sk_msg_verdict, returns });

/** Whether a datagram arrives at a socket that is put into the map now. */
async function arrives(map: number): Promise<boolean> {
  const socket = createSocket('udp4');
  const sender = createSocket('udp4');
  try {
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    mapUpdate(map, new Uint8Array(4), fdOf(socket));
    const arrived = once(socket, 'message', { signal: AbortSignal.timeout(300) }).then(
      () => true,
      () => false,
    );
    sender.send('nx-bpf', socket.address().port, '127.0.0.1');
    return await arrived;
  } finally {
    socket.close();
    sender.close();
  }
}

/** The descriptor of a socket, as the value of a map. */
function fdOf(socket: SocketTarget): Uint8Array {
  return new Uint8Array(Uint32Array.of(socketFd(socket)).buffer);
}

/** How many bytes arrive at the end of a TCP connection that is put into the map now. */
async function streamed(map: number): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [receiver] = (await accepted) as [NetSocket];
  try {
    mapUpdate(map, new Uint8Array(4), fdOf(receiver));
    const arrived = once(receiver, 'data', { signal: AbortSignal.timeout(300) }).then(
      ([bytes]) => (bytes as Buffer).length,
      () => 0,
    );
    client.write('nx-bpf');
    return await arrived;
  } finally {
    client.destroy();
    receiver.destroy();
    server.close();
  }
}

/** What becomes of a write on a TCP connection that is put into the map now. */
async function write(map: number): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  try {
    const accepted = once(server, 'connection');
    await once(client, 'connect');
    mapUpdate(map, new Uint8Array(4), fdOf(client));
    client.on('error', () => undefined);
    const outcome = await new Promise<string>((done) =>
      client.write('nx-bpf', (error) =>
        done((error as NodeJS.ErrnoException | null | undefined)?.code ?? 'written'),
      ),
    );
    ((await accepted)[0] as NetSocket).destroy();
    return outcome;
  } finally {
    client.destroy();
    server.close();
  }
}

kernelSuite('attach to a sockmap', (kernel) => {
  let map = -1;
  beforeAll(() => {
    map = mapCreate({ map_type: BPF_MAP_TYPE_SOCKMAP, key_size: 4, value_size: 4, max_entries: 1 });
  });
  afterAll(() => closeFd(map));

  test('sk_skb drops what comes in, until an update lets it pass', async () => {
    const [drop, pass] = [verdict(SK_DROP), verdict(SK_PASS)];
    await inOwnNetwork(async () => {
      const link = attachSkSkb(drop, { map: { fd: map } });
      expect([link.hook, link.describe(), linkDescription(link.info())]).toEqual([
        'sk_skb',
        'sk_skb on a map',
        `sk_skb on map ${mapInfo(map).id}`,
      ]);
      expect(await arrives(map)).toBe(false);
      expect(() => attachSkSkb(pass, { map: { fd: map }, type: 'verdict' })).toThrow(
        expect.objectContaining({ code: 'ATTACH_CONFLICT' }),
      );
      expect(() => link.update(pass, pass)).toThrow(expect.objectContaining({ code: 'ATTACH_CONFLICT' }));
      link.update(pass, drop);
      expect(await arrives(map)).toBe(true);
      link.update(drop);
      link.detach();
      expect(await arrives(map)).toBe(true);
      link.close();
    });
    for (const program of [drop, pass]) program.close();
  });

  test('a stream_parser tells where messages end, and a stream_verdict what becomes of them', async () => {
    const stream = (attachType: number, returns: number) =>
      tinyProgram({ type: ProgramType.sk_skb, attachType, returns });
    // As many bytes as are sent: the parser returns the length of a message.
    const parser = stream(AttachType.sk_skb_stream_parser, 6);
    const [drop, pass] = [SK_DROP, SK_PASS].map((returns) =>
      stream(AttachType.sk_skb_stream_verdict, returns),
    ) as [Program, Program];
    const another = verdict(SK_PASS);
    const stats = enableRunTimeStats();
    await inOwnNetwork(async () => {
      const links = [
        attachSkSkb(parser, { map: { fd: map } }),
        attachSkSkb(drop, { map: { fd: map } }),
      ] as const;
      expect(links.map((link) => [link.hook, link.info().target])).toEqual([
        ['sk_skb', expect.objectContaining({ attach_type: AttachType.sk_skb_stream_parser })],
        ['sk_skb', expect.objectContaining({ attach_type: AttachType.sk_skb_stream_verdict })],
      ]);
      expect(await streamed(map)).toBe(0);
      expect([parser.info().runCount, drop.info().runCount]).toEqual([1n, 1n]);
      links[1].update(pass, drop);
      expect(await streamed(map)).toBe(6);
      expect([parser.info().runCount, drop.info().runCount, pass.info().runCount]).toEqual([2n, 1n, 1n]);
      expect(() => attachSkSkb(another, { map: { fd: map } })).toThrow(
        expect.objectContaining({ code: 'ATTACH_CONFLICT' }),
      );
      for (const link of links) link.close();
      expect(await streamed(map)).toBe(6);
    });
    closeFd(stats);
    for (const program of [parser, drop, pass, another]) program.close();
  });

  test('sk_msg refuses what is sent, until an update lets it pass', async () => {
    const [drop, pass] = [message(SK_DROP), message(SK_PASS)];
    await inOwnNetwork(async () => {
      const link = attachSkMsg(drop, { map: { fd: map } });
      expect([link.hook, linkDescription(link.info())]).toEqual([
        'sk_msg',
        `sk_msg on map ${mapInfo(map).id}`,
      ]);
      expect(await write(map)).toBe('EACCES');
      link.update(pass, drop);
      expect(await write(map)).toBe('written');
      link.close();
    });
    for (const program of [drop, pass]) program.close();
  });

  test('a map by its pin; a pin that is not there, and a map of another type a map of another type', () => {
    const program = message(SK_PASS);
    const pin = path.join(kernel.bpffs, 'sockets');
    objectPin(map, pin);
    const link = attachSkMsg(program, { map: pin });
    expect([link.hook, link.describe()]).toEqual(['sk_msg', `sk_msg on the map at ${pin}`]);
    link.close();
    rmSync(pin);
    expect(() => attachSkMsg(program, { map: pin })).toThrow(
      expect.objectContaining({ code: 'PIN_NOT_FOUND' }),
    );
    const array = mapCreate({ map_type: 2, key_size: 4, value_size: 4, max_entries: 1 });
    expect(() => attachSkMsg(program, { map: { fd: array } })).toThrow(/the map is no sockmap or sockhash/);
    closeFd(array);
    program.close();
  });
});

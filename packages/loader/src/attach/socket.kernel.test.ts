import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { inOwnNetwork, sendToSelf } from '../../../../tools/features/surroundings';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { counting, sendMany, sharingSocket } from '../../../../tools/testing/sockets';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { closeFd, openPath } from '../kernel';
import { AttachType, ProgramType } from '../object';
import { loadFile } from '../runtime';
import { attachSkReuseport, attachSocketFilter, socketFd } from './index';

const filter = (returns: number) => tinyProgram({ type: ProgramType.socket_filter, returns });

/** The length of the next datagram of a socket, sent to it now; undefined if none comes. */
async function received(socket: Socket, text = 'nx-bpf'): Promise<number | undefined> {
  const message = once(socket, 'message', { signal: AbortSignal.timeout(200) }).then(
    ([bytes]) => (bytes as Buffer).length,
    () => undefined,
  );
  await sendMany(socket.address().port, 1, text);
  return message;
}

kernelSuite('attach to a socket', (kernel) => {
  test('socket_filter drops and cuts datagrams; an update, a detach, a closed socket', async () => {
    // The filter counts from the UDP header on: 8 bytes, and then those of the text.
    const [drop, cut, keep] = [filter(0), filter(8 + 2), filter(0xffff)];
    await inOwnNetwork(async () => {
      const socket = createSocket('udp4');
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
      expect(await received(socket)).toBe(6);
      const attached = attachSocketFilter(drop, { socket });
      expect([attached.hook, attached.describe()]).toEqual([
        'socket_filter',
        expect.stringMatching(/^socket_filter on socket:\[\d+\]$/),
      ]);
      expect(await received(socket)).toBeUndefined();
      attached.update(cut);
      expect(await received(socket)).toBe(2);
      attached.update(keep);
      expect(await received(socket)).toBe(6);
      expect(() => attached.update(drop, keep)).toThrow(
        'the kernel does not tell which program a socket runs; update without an expected program',
      );
      expect(() => attached.pin(`${kernel.bpffs}/filter`)).toThrow(
        expect.objectContaining({
          code: 'PIN_FAILED',
          message: expect.stringContaining('pass the socket on'),
        }),
      );
      attached.update(drop);
      attached.detach();
      expect(await received(socket)).toBe(6);
      const again = attachSocketFilter(drop, { socket: socketFd(socket) });
      socket.close();
      await once(socket, 'close');
      expect(() => again.update(keep)).toThrow('the socket is closed; the program left with it: attach anew');
      again.close();
    });
    for (const program of [drop, cut, keep]) program.close();
  });

  test('a block of using ends it; somebody else can; other descriptors and programs are refused', async () => {
    const [drop, other] = [filter(0), tinyProgram({ type: ProgramType.xdp, name: 'other' })];
    await inOwnNetwork(async () => {
      const socket = createSocket('udp4');
      expect(() => attachSocketFilter(drop, { socket })).toThrow('bind, listen or connect first');
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
      const attached = attachSocketFilter(drop, { socket });
      attached[Symbol.dispose]();
      attached[Symbol.dispose]();
      expect(await received(socket)).toBe(6);
      const [first, second] = [attachSocketFilter(drop, { socket }), attachSocketFilter(drop, { socket })];
      first.detach();
      expect(() => second.detach()).toThrow(/detach: ENOENT .*somebody else took it off/);
      const [third, fourth] = [attachSocketFilter(drop, { socket }), attachSocketFilter(drop, { socket })];
      third.detach();
      fourth.close();
      expect(() => attachSocketFilter(other, { socket })).toThrow(
        "program 'other' cannot be attached to socket_filter: found a program of type xdp, expected socket_filter",
      );
      const file = openPath('/dev/null');
      expect(() => attachSocketFilter(drop, { socket: file })).toThrow(
        /ENOTSOCK .*the descriptor is no socket/,
      );
      closeFd(file);
      socket.close();
    });
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    attachSocketFilter(drop, { socket: server }).close();
    server.close();
    for (const program of [drop, other]) program.close();
  });

  test('sk_reuseport steers datagrams to one socket of a group, drops them, and leaves the kernel to choose', async () => {
    const file = kernel.compile(
      `#include <linux/bpf.h>
       #include <bpf/bpf_helpers.h>
       struct {
         __uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY);
         __uint(max_entries, 2);
         __type(key, __u32);
         __type(value, __u64);
       } sockets SEC(".maps");
       __u32 chosen = 0;
       SEC("sk_reuseport") int steer(struct sk_reuseport_md *ctx) {
         __u32 index = chosen;
         return bpf_sk_select_reuseport(ctx, &sockets, &index, 0) ? SK_DROP : SK_PASS;
       }
       char LICENSE[] SEC("license") = "GPL";`,
      { name: 'steering' },
    );
    const steering = loadFile(file);
    const drop = tinyProgram({
      type: ProgramType.sk_reuseport,
      attachType: AttachType.sk_reuseport_select,
      returns: 0,
    });
    await inOwnNetwork(async () => {
      const first = sharingSocket(0);
      const { port } = first.address();
      const second = sharingSocket(port);
      const seen = [counting(first), counting(second)] as const;
      const sent = async (): Promise<number[]> => {
        const before = seen.map(({ count }) => count);
        await sendMany(port, 8);
        await sleep(100);
        return seen.map(({ count }, i) => count - before[i]!);
      };
      const sockets = steering.map('sockets').raw;
      for (const [index, socket] of [first, second].entries()) {
        sockets.update(
          new Uint8Array(Uint32Array.of(index).buffer),
          new Uint8Array(BigUint64Array.of(BigInt(socketFd(socket))).buffer),
        );
      }
      const attached = steering.attach('steer', 'sk_reuseport', { socket: first });
      expect(await sent()).toEqual([8, 0]);
      steering.variable('chosen').set(1);
      expect(await sent()).toEqual([0, 8]);
      attached.update(drop);
      expect(await sent()).toEqual([0, 0]);
      attached.detach();
      const both = await sent();
      expect(both[0]! + both[1]!).toBe(8);
      expect(() => attached.update(drop, drop)).toThrow('does not tell which program');
      const alone = createSocket('udp4');
      alone.bind(0, '127.0.0.1');
      await once(alone, 'listening');
      expect(() => attachSkReuseport(drop, { socket: alone })).toThrow(
        /EINVAL .*set SO_REUSEPORT before it is bound/,
      );
      for (const socket of [first, second, alone]) socket.close();
      expect(await sendToSelf()).toBe(true);
    });
    steering.close();
    drop.close();
  });
});

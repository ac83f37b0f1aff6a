import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inOwnNetwork } from '../../../../tools/features/surroundings';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { mapCreate, closeFd, setSocketOption } from '../kernel';
import { MapType } from '../object';
import { loadFile, type Collection } from '../runtime';
import {
  attachStructOps,
  copyStructOps,
  Link,
  linkDescription,
  listLinks,
  socketFd,
  structOpsState,
  type StructOpsLink,
} from './index';

/** Congestion controls that count the connections that choose them, and the acknowledgements they are told of. */
const source = `
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
unsigned long long first_chosen = 0, second_chosen = 0, acknowledged = 0;
SEC("struct_ops/init") void BPF_PROG(first_init, struct sock *sk) { first_chosen++; }
SEC("struct_ops/init") void BPF_PROG(second_init, struct sock *sk) { second_chosen++; }
SEC("struct_ops/ssthresh") unsigned int BPF_PROG(ssthresh, struct sock *sk) { return 7; }
SEC("struct_ops/cong_avoid") void BPF_PROG(cong_avoid, struct sock *sk, unsigned int ack, unsigned int acked) { acknowledged++; }
SEC("struct_ops/undo_cwnd") unsigned int BPF_PROG(undo_cwnd, struct sock *sk) { return 8; }
#define OPS(text, start) { .name = text, .init = (void *)start, .ssthresh = (void *)ssthresh, \\
                           .cong_avoid = (void *)cong_avoid, .undo_cwnd = (void *)undo_cwnd }
SEC(".struct_ops") struct tcp_congestion_ops plain = OPS("nx_plain", first_init);
SEC(".struct_ops.link") struct tcp_congestion_ops first = OPS("nx_linked", first_init);
SEC(".struct_ops.link") struct tcp_congestion_ops second = OPS("nx_linked", second_init);
SEC(".struct_ops.link") struct tcp_congestion_ops stranger = OPS("nx_other", second_init);
char LICENSE[] SEC("license") = "GPL";
`;

const TCP_CONGESTION = [6, 13] as const;

/** Makes a connection whose client uses a congestion control, and sends on it. @returns 0, or a negative error number */
async function transfer(congestion: string): Promise<number> {
  const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(client, 'connect');
  try {
    const result = setSocketOption(socketFd(client), TCP_CONGESTION, Buffer.from(congestion));
    await new Promise((written) => client.write(Buffer.alloc(1 << 18), written));
    return result;
  } finally {
    const [other] = (await accepted) as [Socket];
    client.end();
    await once(other, 'end');
    other.destroy();
    server.close();
  }
}

const ENOENT = -2;

kernelSuite('attach struct_ops', (kernel) => {
  const load = (): Collection => loadFile(kernel.compile(source, { name: 'congestion' }));
  const count = (loaded: Collection, name: string) => Number(loaded.variable(name).get());

  test('a link registers a congestion control that sockets use, and is updated to another one', async () => {
    const loaded = load();
    await inOwnNetwork(async () => {
      expect(await transfer('nx_linked')).toBe(ENOENT);
      const link = loaded.attachStructOps('first') as StructOpsLink;
      expect([link.hook, link.describe(), linkDescription(link.info())]).toEqual([
        'struct_ops',
        'struct_ops first',
        `struct_ops map ${loaded.map('first').id}`,
      ]);
      expect(listLinks({ hook: 'struct_ops' }).map(({ id }) => id)).toEqual([link.id]);
      expect(await transfer('nx_linked')).toBe(0);
      expect(count(loaded, 'first_chosen')).toBe(1);
      expect(count(loaded, 'acknowledged')).toBeGreaterThan(0);

      expect(() => link.update(loaded.structOps('second'), loaded.map('second'))).toThrow(
        expect.objectContaining({
          code: 'ATTACH_CONFLICT',
          message: expect.stringMatching(/update to map 'second': EPERM .*another map than the expected one/),
        }),
      );
      link.update(loaded.structOps('second'), loaded.map('first'));
      expect(await transfer('nx_linked')).toBe(0);
      expect([count(loaded, 'first_chosen'), count(loaded, 'second_chosen')]).toEqual([1, 1]);
      expect(() => link.update(loaded.structOps('stranger'))).toThrow(
        /EINVAL .*has another name in the kernel/,
      );

      expect(() => loaded.attachStructOps('first')).toThrow(
        expect.objectContaining({ code: 'ATTACH_CONFLICT', message: expect.stringMatching(/EEXIST/) }),
      );
      const pin = path.join(kernel.bpffs, 'congestion');
      link.pin(pin);
      link.close();
      expect(await transfer('nx_linked')).toBe(0);
      const opened = Link.open(pin);
      opened.detach();
      expect(await transfer('nx_linked')).toBe(ENOENT);
      opened.close();
      rmSync(pin);
    });
    loaded.close();
  });

  test('one without a link is registered until it is detached', async () => {
    const loaded = load();
    await inOwnNetwork(async () => {
      const made = loaded.attachStructOps('plain');
      expect([made.hook, made.describe()]).toEqual(['struct_ops', 'struct_ops plain']);
      expect(await transfer('nx_plain')).toBe(0);
      expect(count(loaded, 'first_chosen')).toBe(1);
      expect(() => made.update(loaded.structOps('plain'))).toThrow(
        'a struct_ops without a link cannot be updated; put it into SEC(".struct_ops.link")',
      );
      expect(() => made.pin(path.join(kernel.bpffs, 'plain'))).toThrow(
        expect.objectContaining({ code: 'PIN_FAILED', message: expect.stringContaining('release() it') }),
      );
      expect(() => loaded.attachStructOps('plain')).toThrow(
        expect.objectContaining({ code: 'ATTACH_CONFLICT', message: expect.stringMatching(/EBUSY/) }),
      );
      made.detach();
      expect(await transfer('nx_plain')).toBe(ENOENT);
      made.close();
    });
    loaded.close();
  });

  test('one without a link that was unregistered comes back as a copy', async () => {
    const loaded = load();
    await inOwnNetwork(async () => {
      const map = { fd: loaded.map('plain').fd, name: 'plain' };
      expect(structOpsState(map)).toBe('unset');
      expect(() => copyStructOps(map)).toThrow('holds no programs; it was never registered');
      loaded.attachStructOps('plain').detach();
      expect(structOpsState(map)).toBe('unregistered');
      const copy = copyStructOps(map);
      const again = attachStructOps({ fd: copy.fd.number, name: 'plain', value: copy.value });
      expect(structOpsState({ fd: copy.fd.number })).toBe('registered');
      expect(await transfer('nx_plain')).toBe(0);
      expect(count(loaded, 'first_chosen')).toBe(1);
      again.detach();
      expect(await transfer('nx_plain')).toBe(ENOENT);
      copy.close();
    });
    loaded.close();
  });

  test('what is no struct_ops, and what is not there', () => {
    const fd = mapCreate({ map_type: MapType.array, key_size: 4, value_size: 4, max_entries: 1 });
    expect(() => attachStructOps({ fd, name: 'numbers' })).toThrow(
      "map 'numbers' cannot be attached as struct_ops: found a map of type array",
    );
    closeFd(fd);
    const loaded = load();
    expect(() => loaded.attachStructOps('frist')).toThrow("no struct_ops 'frist' is loaded");
    expect(() => attachStructOps({ fd: loaded.map('plain').fd, name: 'plain' })).toThrow(
      'its value is not given; give what structOpsValue() returns as the value',
    );
    expect(() => attachStructOps({ fd: loaded.map('first').fd, name: 'first' })).toThrow(/EINVAL/);
    loaded.close();
  });
});

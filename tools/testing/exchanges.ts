import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type Family = 4 | 6;

const loopback: Readonly<Record<Family, string>> = { 4: '127.0.0.1', 6: '::1' };

/** Longer than any packet over the loopback interface takes, also on an imitated processor: only a lost one waits. */
const patience = 3000;

/** Whether a datagram of this process to itself arrives; its sender and receiver are then asked for their names. */
export async function udpExchange(family: Family): Promise<boolean> {
  const [receiver, sender] = [createSocket(`udp${family}`), createSocket(`udp${family}`)];
  for (const socket of [receiver, sender]) socket.on('error', () => undefined);
  try {
    receiver.bind(0, loopback[family]);
    await once(receiver, 'listening', { signal: AbortSignal.timeout(patience) });
    receiver.setRecvBufferSize(1 << 16);
    receiver.getRecvBufferSize();
    const arrived = once(receiver, 'message', { signal: AbortSignal.timeout(patience) });
    arrived.catch(() => undefined);
    await new Promise<void>((sent, refused) =>
      sender.send('nx-bpf', receiver.address().port, loopback[family], (error) =>
        error === null ? sent() : refused(error),
      ),
    );
    await arrived;
    return true;
  } catch {
    return false;
  } finally {
    receiver.close();
    sender.close();
  }
}

/** Whether this process can connect to itself; both ends are then asked for their names. */
export async function tcpExchange(family: Family): Promise<boolean> {
  const server = createServer();
  let client: Socket | undefined;
  try {
    server.listen(0, loopback[family]);
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    accepted.catch(() => undefined);
    client = connect((server.address() as AddressInfo).port, loopback[family]);
    client.on('error', () => undefined);
    await once(client, 'connect', { signal: AbortSignal.timeout(patience) });
    const named = client.remoteAddress !== undefined && client.localAddress !== undefined;
    const [other] = (await accepted) as [Socket];
    other.destroy();
    return named;
  } catch {
    return false;
  } finally {
    client?.destroy();
    server.close();
  }
}

import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withCgroup } from '../testing/cgroup';
import { closeFd, Namespace, openPath, setNamespace, unshare } from './loader';

/** Runs something in a network namespace of its own, where only the loopback interface is, and up. */
export async function inOwnNetwork(use: () => Promise<void>): Promise<void> {
  const home = openPath('/proc/thread-self/ns/net');
  unshare(Namespace.NETWORK);
  try {
    execFileSync('ip', ['link', 'set', 'lo', 'up']);
    await use();
  } finally {
    setNamespace(home, Namespace.NETWORK);
    closeFd(home);
  }
}

/** Runs something while this process is in a cgroup of its own; it is told the cgroup's path. */
export async function inOwnCgroup(use: (path: string) => Promise<void>): Promise<void> {
  await withCgroup(async (cgroup) => {
    const hierarchy = path.dirname(cgroup);
    const home = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
    const enter = (place: string): void =>
      writeFileSync(path.join(place, 'cgroup.procs'), String(process.pid));
    enter(cgroup);
    try {
      await use(cgroup);
    } finally {
      enter(path.join(hierarchy, home));
    }
  });
}

/** Long enough for a packet over the loopback interface, also where the processor is imitated. */
const patience = 500;

/** Sends this process a datagram over the loopback interface. @returns whether it arrived */
export async function sendToSelf(): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const arrived = once(socket, 'message', { signal: AbortSignal.timeout(patience) }).then(
      () => true,
      () => false,
    );
    // A program that forbids the packet makes the send fail: then it does not arrive either.
    socket.send('nx-bpf', socket.address().port, '127.0.0.1', () => undefined);
    return await arrived;
  } finally {
    socket.close();
  }
}

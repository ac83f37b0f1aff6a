import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { SetupError, isRoot, run } from './command.mjs';
import { cgroupRoot } from './mounts.mjs';

/**
 * What the agent's dev environment attaches to, so that trying it out touches no real interface and no real
 * service: a veth pair with one end in a network namespace of its own, and an empty cgroup.
 */
export const sandbox = {
  namespace: 'nxbpf-dev',
  cgroup: 'nx-bpf-agent',
  here: { link: 'nxbpf0', addresses: ['10.213.0.1/30', 'fd00:213::1/64'] },
  there: { link: 'nxbpf1', addresses: ['10.213.0.2/30', 'fd00:213::2/64'] },
};

/** Makes what is missing of the sandbox. Returns what it did. */
export function makeSandbox() {
  return [...makeNetwork(), ...makeCgroup()];
}

function makeNetwork() {
  const { namespace, here, there } = sandbox;
  // The peer ends with its namespace, and our end is brought up last: it is up only when all the rest is there.
  if (isUp(here.link) && existsSync(`/run/netns/${namespace}`)) return [];
  needRoot(`the interface ${here.link}`);
  if (existsSync(`/sys/class/net/${here.link}`)) run('ip', ['link', 'delete', here.link]);
  if (existsSync(`/run/netns/${namespace}`)) run('ip', ['netns', 'delete', namespace]);

  run('ip', ['netns', 'add', namespace]);
  run('ip', ['link', 'add', here.link, 'type', 'veth', 'peer', 'name', there.link, 'netns', namespace]);
  bringUp(['-n', namespace], there);
  bringUp([], here);
  return [`made the interfaces ${here.link} and, in network namespace ${namespace}, ${there.link}`];
}

/** Whether an interface is there and IFF_UP (0x1) is among its flags. */
function isUp(link) {
  const flags = `/sys/class/net/${link}/flags`;
  return existsSync(flags) && (Number(readFileSync(flags, 'utf8')) & 1) === 1;
}

function bringUp(where, { link, addresses }) {
  for (const address of addresses) {
    // Nobody else is on this wire: no second of waiting for duplicate address detection.
    const flags = address.includes(':') ? ['nodad'] : [];
    run('ip', [...where, 'address', 'add', address, 'dev', link, ...flags]);
  }
  run('ip', [...where, 'link', 'set', link, 'up']);
}

function makeCgroup() {
  const directory = path.join(cgroupRoot(), sandbox.cgroup);
  if (existsSync(directory)) return [];
  needRoot(`the cgroup ${directory}`);
  run('mkdir', [directory]);
  return [`made the cgroup ${directory}`];
}

function needRoot(what) {
  if (!isRoot)
    throw new SetupError(`${what} does not exist and only root can make it: run this once as root`);
}

import path from 'node:path';
import { compileTwice } from '../../conformance/build-oracle';
import { defaultCache } from '../../conformance/cache';
import { execute } from '../../conformance/execute';

/** The two sides, ready to run. */
export interface Sides {
  /** `peer.c` with the libbpf of the system, and with that of Linux 6.12. */
  readonly peers: Readonly<Record<Peer, string>>;
  /** `launch.mjs` beside the bundle of `ours.ts`. */
  readonly launcher: string;
}

export type Peer = 'libbpf' | 'libbpf-6.12';

/** @throws Error where a compiler, a header or a package is missing */
export async function buildSides(directory: string): Promise<Sides> {
  const { first, second } = await compileTwice(path.join(__dirname, 'peer.c'), defaultCache(), directory);
  await execute(process.execPath, [path.join(__dirname, 'bundle-ours.mjs'), directory]);
  return { peers: { libbpf: first, 'libbpf-6.12': second }, launcher: path.join(directory, 'launch.mjs') };
}

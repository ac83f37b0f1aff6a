/** Where the faults happen: a bpffs, a pair of interfaces and a cgroup of their own, which nobody else sees or uses. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  fileSystemMagic,
  fileSystemType,
  Mount,
  mount,
  Namespace,
  unmount,
  unshare,
} from '../../packages/loader/src/kernel';
import { inOwnCgroup } from '../features/surroundings';
import { DeploymentFixture, type NamedObject } from '../testing/deployment';
import { withVeth, type Veth } from '../testing/network';
import { compileFilters, writeManifest, type Version } from './filters';
import { Packets } from './packets';

export interface Surroundings {
  readonly fixture: DeploymentFixture;
  readonly objects: Readonly<Record<Version, readonly NamedObject[]>>;
  readonly veth: Veth;
  readonly packets: Packets;
  /** A bpffs, and a directory for files. */
  readonly bpffs: string;
  readonly directory: string;
}

/** Runs something there; afterwards all of it is gone again. This thread is in namespaces of its own meanwhile. */
export async function withSurroundings<T>(use: (surroundings: Surroundings) => Promise<T>): Promise<T> {
  const home = fs.mkdtempSync(path.join(tmpdir(), 'nx-bpf-faults-'));
  const [bpffs, directory] = [path.join(home, 'bpffs'), path.join(home, 'files')];
  fs.mkdirSync(bpffs);
  fs.mkdirSync(directory);
  unshare(Namespace.MOUNT);
  mount({ target: '/', flags: Mount.REC | Mount.PRIVATE });
  mount({ type: 'bpf', target: bpffs });
  if (fileSystemType('/sys/kernel/tracing') !== fileSystemMagic.tracefs)
    mount({ type: 'tracefs', target: '/sys/kernel/tracing' });
  fs.mkdirSync('/run/netns', { recursive: true });
  mount({ type: 'tmpfs', target: '/run/netns' });
  try {
    return await withVeth(async (veth) => {
      let result: T | undefined;
      await inOwnCgroup(async (cgroup) => {
        const fixture = new DeploymentFixture({ bpffs, directory } as ConstructorParameters<
          typeof DeploymentFixture
        >[0]);
        fixture.reset();
        writeManifest(fixture, { interface: veth.interface, via: veth.farAddress, cgroup });
        const packets = new Packets(veth, fixture.layout.maps);
        try {
          result = await use({
            fixture,
            objects: compileFilters(directory),
            veth,
            packets,
            bpffs,
            directory,
          });
        } finally {
          packets.close();
        }
      });
      return result as T;
    });
  } finally {
    unmount(bpffs);
    fs.rmSync(home, { recursive: true, force: true });
  }
}

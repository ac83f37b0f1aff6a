import fs from 'node:fs';
import path from 'node:path';
import { apply, destroy, rollback, status } from '../../packages/deploy/src/apply';
import { RelocationCache } from '../../packages/deploy/src/cache';
import { BpfMap } from '../../packages/loader/src/runtime';
import { DeploymentFixture } from '../testing/deployment';
import { type KernelSuite } from '../testing/kernel';
import { ownObjects, type ObjectCounts } from './own-objects';
import { slope } from './slope';
import { writeProject } from './upgraded';

export interface UpgradesOptions {
  readonly count: number;
  /** Upgrades between two looks at what the process and the kernel hold. */
  readonly every: number;
  /**
   * One of so many upgrades changes a map's definition; one of so many is followed by a rollback, and one back. Never
   * right before a look, when more is kept.
   */
  readonly migration: number;
  readonly rollback: number;
  /** Lets others have the machine for a while. */
  readonly pause?: (() => Promise<void>) | undefined;
  readonly told?: ((sample: Sample) => void) | undefined;
}

/** What there was after so many upgrades. */
export interface Sample {
  readonly upgrades: number;
  readonly seconds: number;
  readonly descriptors: number;
  readonly pins: number;
  readonly objects: ObjectCounts;
  /** Resident set and used heap in bytes, after a collection where `--expose-gc` allows it. */
  readonly rss: number;
  readonly heap: number;
}

export interface UpgradesReport {
  readonly upgrades: number;
  readonly migrations: number;
  readonly rollbacks: number;
  readonly samples: readonly Sample[];
  /** Bytes an upgrade, over the samples after the first fifth. */
  readonly rssSlope: number;
  readonly heapSlope: number;
}

/**
 * Upgrades a small project again and again in this process: each with another constant, some with a map that migrates,
 * some followed by a rollback. After each the new program is the one that runs; now and then packets show it.
 */
export async function manyUpgrades(kernel: KernelSuite, options: UpgradesOptions): Promise<UpgradesReport> {
  const fixture = new DeploymentFixture(kernel);
  fixture.reset();
  return kernel.withVeth(async (veth) => {
    const forms = writeProject(kernel, fixture, veth);
    const cache = new RelocationCache(fixture.cacheFolder);
    const samples: Sample[] = [];
    const start = performance.now();
    let [form, migrations, rollbacks, generation] = [0, 0, 0, 0];

    const sample = async (upgrades: number): Promise<void> => {
      const objects = await ownObjects(samples.at(-1)?.objects);
      (globalThis as { gc?: () => void }).gc?.();
      const { rss, heapUsed: heap } = process.memoryUsage();
      const seconds = Math.round((performance.now() - start) / 1000);
      const descriptors = fs.readdirSync('/proc/self/fd').length;
      const taken = { upgrades, seconds, descriptors, pins: fixture.pins().length, objects, rss, heap };
      samples.push(taken);
      options.told?.(taken);
    };

    try {
      for (let number = 1; number <= options.count; number++) {
        const set = [`objects.nxe.constants.version=${number}`];
        const migrates = number % options.migration === 1;
        if (migrates) form = 1 - form;
        const config = fixture.load(...set);
        const { deployment, migrations: migrated } = await apply({
          config,
          objects: forms[form]!,
          cache,
          note: () => undefined,
        });
        migrations += migrated.length;
        if (deployment.generation !== ++generation)
          throw new Error(`upgrade ${number} is generation ${deployment.generation}, not ${generation}`);
        if (number % options.rollback === 7) {
          await rollback(config, { note: () => undefined });
          await rollback(config, { note: () => undefined });
          generation += 2;
          rollbacks++;
        }
        if (number % options.every !== 0) continue;
        const { state, drift } = status(config);
        if (state !== 'healthy') throw new Error(`after upgrade ${number}: ${state}: ${drift.join('; ')}`);
        veth.sendFromFar(1);
        const seen = lookup(path.join(fixture.layout.maps, 'nxe_seen'));
        if (seen !== number) throw new Error(`after upgrade ${number} version ${seen} runs`);
        await sample(number);
        await options.pause?.();
      }
    } finally {
      await destroy(fixture.load(), () => undefined);
    }
    const settled = samples.filter(({ upgrades }) => upgrades > options.count / 5);
    return {
      ...{ upgrades: options.count, migrations, rollbacks, samples },
      rssSlope: slope(settled.map(({ upgrades, rss }) => [upgrades, rss])),
      heapSlope: slope(settled.map(({ upgrades, heap }) => [upgrades, heap])),
    };
  });
}

function lookup(pin: string): number | undefined {
  const map = BpfMap.open<number, number>(pin);
  try {
    return map.lookup(0);
  } finally {
    map.close();
  }
}

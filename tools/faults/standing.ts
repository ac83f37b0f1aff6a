/** How things stand: what can be compared before and after. */
import fs from 'node:fs';
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '../../packages/deploy/src/apply';
import { hooks, settings, type Hook, type Version } from './filters';
import { type Injection } from './injection';
import { everything } from './kernel';
import { type Seen } from './packets';
import { type Surroundings } from './surroundings';

/** The kernel frees a program's maps after a grace period, from a work queue. */
const patience = { attempts: 100, milliseconds: 25 };

export interface Standing {
  readonly pins: readonly string[];
  /** What this process made and what is still there, as `map 17`. */
  readonly objects: readonly string[];
  readonly fds: readonly string[];
  readonly qdiscs: string;
}

export function standing({ fixture, veth }: Surroundings, injection: Injection): Standing {
  return {
    pins: fixture.pins(),
    objects: alive(injection),
    fds: injection.inside ? openFds() : [],
    qdiscs: execFileSync('tc', ['qdisc', 'show', 'dev', veth.interface], { encoding: 'utf8' }),
  };
}

function alive({ made }: Injection): string[] {
  const there = everything();
  const alive = [...made].filter((each) => there.has(each.replace(' note', ''))).sort();
  // An undo writes a note anew: it says what it said, as another map.
  let notes = 0;
  return alive.map((each) => (each.endsWith(' note') ? `note ${++notes}` : each));
}

/**
 * What is there now and was not before, or the other way round, one line each.
 *
 * @param expected.objects undefined: which they are is not known
 */
export async function differences(
  surroundings: Surroundings,
  injection: Injection,
  expected: Omit<Standing, 'objects'> & { readonly objects: readonly string[] | undefined },
): Promise<string[]> {
  for (let attempt = 0; ; attempt++) {
    const now = standing(surroundings, injection);
    const lines = [
      ...between('pin', expected.pins, now.pins),
      ...between('fd', expected.fds, now.fds),
      ...(expected.objects === undefined ? [] : between('object', expected.objects, now.objects)),
      ...(expected.qdiscs === now.qdiscs ? [] : [`qdiscs: ${now.qdiscs}`]),
    ];
    // What is gone from the pins and fds is gone at once; what the kernel frees takes a while.
    if (lines.every((line) => !line.startsWith('object left')) || attempt === patience.attempts) return lines;
    await sleep(patience.milliseconds);
  }
}

function between(what: string, before: readonly string[], after: readonly string[]): string[] {
  const [old, now] = [new Set(before), new Set(after)];
  return [
    ...after.filter((each) => !old.has(each)).map((each) => `${what} left: ${each}`),
    ...before.filter((each) => !now.has(each)).map((each) => `${what} lost: ${each}`),
  ];
}

function openFds(): string[] {
  return fs
    .readdirSync('/proc/self/fd')
    .flatMap((fd) => {
      try {
        const target = fs.readlinkSync(`/proc/self/fd/${fd}`);
        return /^\/proc\/\d+\/fd$/.test(target) ? [] : [`${fd} ${target}`];
      } catch {
        // The listing's own.
        return [];
      }
    })
    .sort();
}

/** Which version runs on all hooks; `open` where none does; undefined where they differ. */
export function runsEverywhere({ runs }: Seen): Version | 'open' | undefined {
  const distinct = new Set(hooks.map((hook: Hook) => runs[hook]));
  // Packets of others may be seen at the tracepoint between the switch and now.
  if (distinct.size !== 1) return undefined;
  const [only] = distinct;
  return only === 'v1' ? 1 : only === 'v2' ? 2 : only === 'open' ? 'open' : undefined;
}

/** What `status` has against a version that should run; nothing where it is healthy. */
export function unhealthy({ fixture }: Surroundings, version: Version | undefined): string[] {
  const { state, drift } = status(fixture.load(settings(version ?? 1)));
  const wanted = version === undefined ? 'absent' : 'healthy';
  return state === wanted && drift.length === 0 ? [] : [`status says ${state}: ${drift.join('; ')}`];
}

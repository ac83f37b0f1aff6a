import path from 'node:path';
import { pinName, sharedName } from '../manifest';

/**
 * Where the pins of one project in one environment are, under a bpf file system:
 *
 *     <root>/<project>/<environment>/
 *       lock/                       for flock(2); never renamed
 *       gen/<n>/programs/<name>     the programs of generation n
 *       gen/<n>/ledger              the ledger of generation n
 *       gen/<n>/maps/<name>         maps of generation n that the next one has not: for a rollback
 *       current                     symlink to gen/<n>
 *       maps/<name>                 maps live across generations
 *       links/<id>                  one pin a link, updated in place; a directory of 0, 1, ... where it is several
 *       ledger                      what we put there; its rename commits a generation
 *       new__outside                while an apply is under way: see `noteOutsidePins`
 *
 * bpffs refuses a dot in a name, so one in a kernel name becomes an underscore.
 */
export interface Layout {
  readonly root: string;
  readonly project: string;
  readonly environment: string;
  /** `<root>/<project>/<environment>` */
  readonly base: string;
  readonly lock: string;
  readonly generations: string;
  readonly current: string;
  readonly maps: string;
  readonly links: string;
  readonly ledger: string;
  /** Note of the pins outside of `base` that an apply is working on. */
  readonly outside: string;
}

/** Names under which something is put before it is renamed to its place: a leftover is ours and may go. */
export const temporaryPrefix = 'new__';

export function layoutOf(root: string, project: string, environment: string): Layout {
  const base = path.join(root, project, environment);
  return {
    root,
    project,
    environment,
    base,
    lock: path.join(base, 'lock'),
    generations: path.join(base, 'gen'),
    current: path.join(base, 'current'),
    maps: path.join(base, 'maps'),
    links: path.join(base, 'links'),
    ledger: path.join(base, 'ledger'),
    outside: path.join(base, `${temporaryPrefix}outside`),
  };
}

export function generationPath(layout: Layout, generation: number): string {
  return path.join(layout.generations, String(generation));
}

export function programPin(layout: Layout, generation: number, name: string): string {
  return path.join(generationPath(layout, generation), 'programs', pinName(name));
}

export function generationMapPin(layout: Layout, generation: number, name: string): string {
  return path.join(generationPath(layout, generation), 'maps', pinName(name));
}

export function generationLedger(layout: Layout, generation: number): string {
  return path.join(generationPath(layout, generation), 'ledger');
}

export function mapPin(layout: Layout, name: string): string {
  return path.join(layout.maps, pinName(name));
}

/** Where the maps that projects share in an environment are, with a lock of their own: `lock/` and `maps/<name>`. */
export function sharedBase({ root, environment }: Layout): string {
  return path.join(root, sharedName, environment);
}

export function sharedMapPin(layout: Layout, name: string): string {
  return path.join(sharedBase(layout), 'maps', pinName(name));
}

/** Whether a pin lies in the project's own directory, where everything is ours. */
export function isInside(layout: Layout, pin: string): boolean {
  return pin.startsWith(`${layout.base}/`);
}

export function linkPin(layout: Layout, id: string): string {
  return path.join(layout.links, pinName(id));
}

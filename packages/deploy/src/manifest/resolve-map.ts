import { type ContentsConfig, type CopyConfig, type MapConfig, type MapPin } from './config';
import { type Path } from './located';
import { type Item, type Resolver } from './resolve';
import { parseSize } from './units';

type WrittenMap = Item<'maps'>;

/** The settings of one map; `optional`: only the root file names it. */
export function resolveMap(map: WrittenMap, at: Path, optional: boolean, resolver: Resolver): MapConfig {
  const { migrate } = map;
  const copies = typeof migrate === 'object' ? migrate.copy : undefined;
  if (typeof migrate === 'object' && copies === undefined) {
    resolver.problem([...at, 'migrate'], 'expected refuse, recreate, copy or { copy: ... }');
  }
  return {
    maxEntries: map.maxEntries === undefined ? undefined : resolveMaxEntries(map.maxEntries, at, resolver),
    pin: resolvePin(map, at, resolver),
    migrate: typeof migrate === 'object' ? 'copy' : migrate!,
    copy: resolveCopy(copies),
    protect: map.protect!,
    contents: map.contents === undefined ? undefined : resolveContents(map.contents, at, resolver),
    optional,
  };
}

/** `max_entries` is 32 bits wide, and a size can say more. */
function resolveMaxEntries(written: string | number, at: Path, resolver: Resolver): number {
  const maxEntries = parseSize(written);
  if (maxEntries < 1 || maxEntries > 0xffffffff) {
    resolver.problem([...at, 'maxEntries'], `found ${written}, expected from 1 to ${0xffffffff}`);
  }
  return maxEntries;
}

function resolvePin(map: WrittenMap, at: Path, resolver: Resolver): MapPin {
  const pin = map.pin as MapPin;
  if (typeof pin === 'object' && !/^(\/[A-Za-z0-9_-]+)+$/.test(pin.path)) {
    const found = pin.path === undefined ? 'nothing' : `'${pin.path}'`;
    resolver.problem(
      [...at, 'pin'],
      `path: found ${found}, expected an absolute path without dots, on a bpf file system`,
    );
  }
  if (pin === 'shared') {
    for (const key of Object.keys(map)) {
      const layer = resolver.layer([...at, key]);
      if (layer !== 'project' && layer !== 'project environment') continue;
      resolver.problem(
        [...at, key],
        key === 'pin'
          ? 'a map that projects share is declared in the root file, under maps'
          : 'the map is shared by projects: only the root file says how it is',
      );
    }
  }
  return pin;
}

function resolveCopy(written: Exclude<WrittenMap['migrate'], string | undefined>['copy']): CopyConfig {
  const { allowDropped, fields = {} } = written ?? {};
  const sum = Object.entries(fields)
    .filter(([, how]) => how?.merge === 'sum')
    .map(([name]) => name);
  const named = typeof allowDropped === 'object' ? allowDropped : [];
  return { allowDropped: allowDropped === true ? true : named, sum: sum.sort() };
}

function resolveContents(
  written: NonNullable<WrittenMap['contents']>,
  at: Path,
  resolver: Resolver,
): ContentsConfig | undefined {
  const { file, values, mode = 'merge' } = written;
  if ((file === undefined) === (values === undefined)) {
    const found = file === undefined ? 'neither' : 'both';
    resolver.problem([...at, 'contents'], `found ${found}, expected file or values`);
    return undefined;
  }
  const from = file === undefined ? { values } : { file: resolver.file([...at, 'contents', 'file'], file) };
  return { mode, from };
}

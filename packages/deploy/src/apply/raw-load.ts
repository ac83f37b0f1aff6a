import fs from 'node:fs';
import path from 'node:path';
import {
  checkPin,
  loadObjectInThreads,
  mapInfo,
  mapTypeName,
  objectName,
  pinObject,
  programInfo,
  type LoadedMap,
  type LoadedObject,
  type LoadedProgram,
  wantedPart,
} from '@nx-bpf/loader';
import { type RelocationCache } from '../cache';
import { pinName } from '../manifest';
import { createDirectories, removeIfEmpty } from '../state';
import { Interruption } from './interruption';
import {
  imageOf,
  knownObject,
  type KnownObject,
  mapPinName,
  quickLoad,
  type QuickLoad,
  RememberedFile,
  withCosts,
} from './quick-load';
import { LazyObject, readObject, relocateCached, relocationKey, since } from './relocate-cached';
import { attachAll, type RawLink } from './raw-attach';
import { Undo } from './undo';

/** What loading one object file gave: the line of `nx-bpf load --json`, without the error. */
export interface RawLoad {
  readonly object: string;
  readonly programs: readonly {
    readonly name: string;
    readonly section: string;
    readonly type: string;
    readonly tag: string;
    readonly insnsSha256: string;
    readonly insns: number;
    readonly verified: number | null;
    readonly pin: string;
    /** Pin of its link, and hook and place for people; null for a program that is not attached. */
    readonly link: string | null;
    readonly attached: string | null;
  }[];
  readonly maps: readonly {
    readonly name: string;
    readonly type: string;
    readonly keySize: number;
    readonly valueSize: number;
    readonly maxEntries: number;
    readonly flags: number;
    readonly pin: string;
  }[];
  readonly cache: 'hit' | 'miss' | 'off';
  /** `total` is until everything is pinned. */
  readonly elapsedUs: Readonly<
    Record<'read' | 'parse' | 'relocate' | 'maps' | 'programs' | 'pin' | 'total', number>
  >;
  readonly notes: readonly string[];
}

export interface RawLoadOptions {
  /** Programs are pinned in this directory, maps in its `maps`, links in its `links`. */
  readonly directory: string;
  /** Only these programs, and what they need. */
  readonly programs: readonly string[] | undefined;
  readonly cache: RelocationCache;
  /** A BTF file to resolve CO-RE against in place of the running kernel's types. */
  readonly types?: string | undefined;
  /** Attach the programs whose section names say where. */
  readonly attach: boolean;
}

/**
 * Loads one object file and pins everything of it, as `bpftool prog loadall` with `pinmaps` does; nothing of ours is
 * added. Maps that are pinned there already are used if they have the same definition.
 *
 * @throws BpfError whatever is wrong; then nothing new is in the kernel or under the directory
 */
export async function rawLoad(file: string, options: RawLoadOptions): Promise<RawLoad> {
  const undo = new Undo();
  return Interruption.guard((interruption) =>
    undo.guard(async () => {
      const start = process.hrtime.bigint();
      const remembered =
        options.types === undefined
          ? new RememberedFile(options.cache, { file, name: objectName(file) }, options.programs)
          : undefined;
      const quick = options.attach ? undefined : await tryQuickly(remembered, file, options, undo, start);
      const result = quick ?? (await loadInOrder(file, options, remembered, undo, start));
      await interruption.checkpoint();
      return result;
    }),
  );
}

/** From the image of the last load, if the file is still the same. */
async function tryQuickly(
  remembered: RememberedFile | undefined,
  file: string,
  { directory }: RawLoadOptions,
  undo: Undo,
  start: bigint,
): Promise<RawLoad | undefined> {
  if (remembered?.unchanged !== true) return undefined;
  const read = since(start);
  const quick = await quickLoad(remembered.last!.image, directory);
  if (quick === undefined) return undefined;
  const total = since(start);
  own(undo, file, directory, quick);
  const times = { read, parse: 0, relocate: 0, ...quick.load.timing, total };
  const known = JSON.parse(remembered.last!.report) as KnownObject;
  return reported({ file, directory, known, cache: 'hit', notes: [] }, quick.load, times);
}

/** What was loaded quickly is closed in the end, and goes again if the end is a failure. */
function own(undo: Undo, file: string, directory: string, { load, remove }: QuickLoad): void {
  undo.own(`object ${file}`, load);
  undo.push(`remove ${directory}`, remove);
}

interface Loaded {
  readonly maps: readonly number[];
  readonly programs: readonly number[];
}

interface Reported {
  readonly file: string;
  readonly directory: string;
  readonly known: KnownObject;
  readonly cache: RawLoad['cache'];
  readonly notes: readonly string[];
}

/** The result, as far as it is not about attaching. */
function reported(
  { file, directory, known, cache, notes }: Reported,
  fds: Loaded,
  elapsedUs: RawLoad['elapsedUs'],
): RawLoad {
  return {
    object: file,
    programs: known.programs.map(({ name, section, type, insnsSha256, insns }, i) => {
      const { tag, verifiedInsns } = programInfo(fds.programs[i]!);
      const verified = verifiedInsns === 0 ? null : verifiedInsns;
      const pin = path.join(directory, pinName(name));
      return { name, section, type, tag, insnsSha256, insns, verified, pin, link: null, attached: null };
    }),
    maps: known.maps.map(({ name, pin }, i) => {
      const { type, keySize, valueSize, maxEntries, flags } = mapInfo(fds.maps[i]!);
      const place = path.join(directory, 'maps', pin);
      return { name, type: mapTypeName(type), keySize, valueSize, maxEntries, flags, pin: place };
    }),
    cache,
    elapsedUs,
    notes,
  };
}

async function loadInOrder(
  file: string,
  options: RawLoadOptions,
  remembered: RememberedFile | undefined,
  undo: Undo,
  start: bigint,
): Promise<RawLoad> {
  const { directory, programs: wanted, cache } = options;
  const object = new LazyObject(file, objectName(file));
  const types = options.types === undefined ? undefined : readObject(options.types);
  const key = remembered?.unchanged ? remembered.last!.key : relocationKey(object, wanted, types);
  const read = since(start);
  const answer = relocateCached(object, wanted, cache, { types, key });
  const { relocated, outcome, note, parse, relocate } = answer;
  const notes = note === undefined ? [] : [note];
  const costs = remembered?.costs ?? new Map<string, number>();

  // Without what is pinned already to look after, and links to make, its image is all that it takes.
  const part = wantedPart(relocated, wanted);
  const image = options.attach ? undefined : imageOf(part, costs);
  const quick = image && (await quickLoad(image.slice(), directory));
  if (quick !== undefined) {
    const total = since(start);
    own(undo, file, directory, quick);
    const programs = part.programs.map((spec) => ({ spec, type: spec.type! }));
    const known = knownObject(part.maps, programs);
    const times = { read, parse, relocate, ...quick.load.timing, total };
    const result = reported({ file, directory, known, cache: outcome, notes }, quick.load, times);
    remembered?.keep(
      key,
      answer,
      withCosts(
        known,
        result.programs.map(({ verified }) => verified),
      ),
      image,
    );
    return result;
  }

  const mapPins = Object.fromEntries(
    relocated.maps
      .filter((map) => !map.pinByName && map.origin !== 'data' && map.origin !== 'kconfig')
      .map((map) => [map.name, mapPlace(directory, map.name)]),
  );
  checkPin(path.join(directory, 'maps'));
  for (const made of createDirectories(path.join(directory, 'maps'), 0o700)) {
    undo.push(`remove ${made}`, () => removeIfEmpty(made));
  }
  const loaded = await loadObjectInThreads(relocated, { programs: wanted, mapPins }, ({ name }) =>
    costs.get(name),
  );
  undo.own(`object ${file}`, loaded);
  for (const map of loaded.maps) {
    if (map.origin === 'created' && map.pin !== undefined)
      undo.push(`unpin ${map.pin}`, () => fs.rmSync(map.pin!));
  }
  const pinStart = process.hrtime.bigint();
  pinAll(directory, loaded, undo);
  const pin = since(pinStart);
  const total = since(start);
  const links = options.attach ? attachAll(directory, loaded, notes, undo) : new Map<string, RawLink>();
  const { timing, maps, programs } = loaded;
  const known = knownObject(
    maps.map(({ spec }) => spec),
    programs,
  );
  const fds = { maps: maps.map(({ fd }) => fd.number), programs: programs.map(({ fd }) => fd.number) };
  const times = {
    read,
    parse,
    relocate,
    maps: timing.btf + timing.maps,
    programs: timing.programs,
    pin,
    total,
  };
  const allNotes = [...notes, ...loaded.notes];
  const result = reported({ file, directory, known, cache: outcome, notes: allNotes }, fds, times);
  const verified = result.programs.map((program) => program.verified);
  remembered?.keep(key, answer, withCosts(known, verified), image);
  return {
    ...result,
    programs: result.programs.map((program) => ({
      ...program,
      link: links.get(program.name)?.pin ?? null,
      attached: links.get(program.name)?.target ?? null,
    })),
    maps: result.maps.map((map, i) => ({ ...map, pin: placeOf(directory, maps[i]!) })),
  };
}

/** Data sections have a dot in their kernel names: `edge.rodata` is pinned as `edge_rodata`. */
function mapPlace(directory: string, name: string): string {
  return path.join(directory, 'maps', pinName(name));
}

function programPlace(directory: string, program: LoadedProgram): string {
  return path.join(directory, pinName(program.spec.name));
}

function placeOf(directory: string, { spec, pin }: LoadedMap): string {
  return pin ?? path.join(directory, 'maps', mapPinName(spec));
}

function pinAll(directory: string, loaded: LoadedObject, undo: Undo): void {
  const pin = (fd: number, what: string, place: string): void => {
    pinObject(fd, what, place);
    undo.push(`unpin ${place}`, () => fs.rmSync(place));
  };
  for (const map of loaded.maps) {
    if (map.pin === undefined) pin(map.fd.number, `map '${map.spec.name}'`, placeOf(directory, map));
  }
  for (const program of loaded.programs) {
    pin(program.fd.number, `program '${program.spec.name}'`, programPlace(directory, program));
  }
}

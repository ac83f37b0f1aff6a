import fs from 'node:fs';
import path from 'node:path';
import {
  autoAttach,
  checkPin,
  hookFor,
  loadObjectInThreads,
  mapInfo,
  mapTypeName,
  objectName,
  pinObject,
  programInfo,
  type LoadedMap,
  type LoadedObject,
  type LoadedProgram,
} from '@nx-bpf/loader';
import { type RelocationCache } from '../cache';
import { pinName } from '../manifest';
import { createDirectories, removeIfEmpty } from '../state';
import { Interruption } from './interruption';
import { knownProgram, mapPinName, quickLoad, RememberedFile } from './quick-load';
import { LazyObject, readObject, relocateCached, relocationKey, since } from './relocate-cached';
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
  const quick = await quickLoad(remembered.last!, directory);
  if (quick === undefined) return undefined;
  const total = since(start);
  undo.own(`object ${file}`, quick.load);
  undo.push(`remove ${directory}`, quick.remove);
  const { load } = quick;
  const known = quick.known();
  return {
    object: file,
    programs: known.programs.map((program, i) => ({
      ...programJson(program, load.programs[i]!),
      ...{ pin: path.join(directory, pinName(program.name)), link: null, attached: null },
    })),
    maps: known.maps.map(({ name, pin }, i) => ({
      name,
      ...mapJson(load.maps[i]!),
      pin: path.join(directory, 'maps', pin),
    })),
    cache: 'hit',
    elapsedUs: { read, parse: 0, relocate: 0, ...load.timing, total },
    notes: [],
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

  const mapPins = Object.fromEntries(
    relocated.maps
      .filter((map) => !map.pinByName && map.origin !== 'data' && map.origin !== 'kconfig')
      .map((map) => [map.name, mapPlace(directory, map.name)]),
  );
  checkPin(path.join(directory, 'maps'));
  for (const made of createDirectories(path.join(directory, 'maps'), 0o700)) {
    undo.push(`remove ${made}`, () => removeIfEmpty(made));
  }
  const costs = remembered?.costs;
  const loaded = await loadObjectInThreads(relocated, { programs: wanted, mapPins }, ({ name }) =>
    costs?.get(name),
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
  const { timing } = loaded;
  const result: RawLoad = {
    object: file,
    programs: loaded.programs.map((program) => ({
      ...programJson(knownProgram(program), program.fd.number),
      pin: programPlace(directory, program),
      link: links.get(program.spec.name)?.pin ?? null,
      attached: links.get(program.spec.name)?.target ?? null,
    })),
    maps: loaded.maps.map((map) => ({
      name: map.spec.name,
      ...mapJson(map.fd.number),
      pin: placeOf(directory, map),
    })),
    cache: outcome,
    elapsedUs: {
      read,
      parse,
      relocate,
      maps: timing.btf + timing.maps,
      programs: timing.programs,
      pin,
      total,
    },
    notes: [...notes, ...loaded.notes],
  };
  const walked = new Map(result.programs.map(({ name, verified }) => [name, verified ?? 0]));
  remembered?.keep(key, answer, loaded, walked);
  return result;
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

interface RawLink {
  readonly pin: string;
  /** `kprobe do_unlinkat`, for people. */
  readonly target: string;
}

/** Attaches every program whose section name says where; returns the links by program. */
function attachAll(
  directory: string,
  loaded: LoadedObject,
  notes: string[],
  undo: Undo,
): Map<string, RawLink> {
  const folder = path.join(directory, 'links');
  for (const made of createDirectories(folder, 0o700)) undo.push(`remove ${made}`, () => removeIfEmpty(made));
  const links = new Map<string, RawLink>();
  for (const program of loaded.programs) {
    const { name, section, target } = program.spec;
    const attachable = {
      fd: program.fd.number,
      name,
      type: program.type,
      attachType: program.attachType,
      section,
      target,
    };
    const link = autoAttach(attachable);
    if (link === undefined) {
      const hook = hookFor(attachable);
      const reason =
        hook === undefined ? 'there is no hook for it here' : `its section does not say where (${hook})`;
      notes.push(`program '${name}' is loaded but not attached: ${reason}`);
      continue;
    }
    undo.own(`link of ${name}`, link);
    const place = path.join(folder, pinName(name));
    link.pin(place);
    // A directory, where the program runs through several links.
    undo.push(`unpin ${place}`, () => fs.rmSync(place, { recursive: true }));
    links.set(name, { pin: place, target: link.describe() });
  }
  return links;
}

/** What a line of JSON says of a program, but where it is. */
function programJson(known: ReturnType<typeof knownProgram>, fd: number) {
  const { tag, verifiedInsns } = programInfo(fd);
  const { name, section, type, insnsSha256, insns } = known;
  return {
    name,
    section,
    type,
    tag,
    insnsSha256,
    insns,
    verified: verifiedInsns === 0 ? null : verifiedInsns,
  };
}

/** What a line of JSON says of a map, but what and where it is. */
function mapJson(fd: number) {
  const { type, keySize, valueSize, maxEntries, flags } = mapInfo(fd);
  return { type: mapTypeName(type), keySize, valueSize, maxEntries, flags };
}

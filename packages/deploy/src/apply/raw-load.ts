import fs from 'node:fs';
import path from 'node:path';
import {
  autoAttach,
  checkPin,
  hookFor,
  instructionsDigest,
  loadObject,
  mapInfo,
  mapTypeName,
  objectName,
  pinObject,
  programInfo,
  programTypeName,
  type LoadedMap,
  type LoadedObject,
  type LoadedProgram,
} from '@nx-bpf/loader';
import { type RelocationCache } from '../cache';
import { pinName } from '../manifest';
import { createDirectories, removeIfEmpty } from '../state';
import { Interruption } from './interruption';
import { readObject, relocateCached, since } from './relocate-cached';
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
  const start = process.hrtime.bigint();
  const object = { ...readObject(file), name: objectName(file) };
  const read = since(start);
  const { relocated, outcome, note, parse, relocate } = relocateCached(
    object,
    options.programs,
    options.cache,
    { types: options.types === undefined ? undefined : readObject(options.types) },
  );
  const notes = note === undefined ? [] : [note];

  const { directory } = options;
  const mapPins = Object.fromEntries(
    relocated.maps
      .filter((map) => !map.pinByName && map.origin !== 'data' && map.origin !== 'kconfig')
      .map((map) => [map.name, mapPlace(directory, map.name)]),
  );
  const undo = new Undo();
  const work = async (interruption: Interruption): Promise<RawLoad> => {
    await interruption.checkpoint();
    checkPin(path.join(directory, 'maps'));
    for (const made of createDirectories(path.join(directory, 'maps'), 0o700)) {
      undo.push(`remove ${made}`, () => removeIfEmpty(made));
    }
    const loaded = loadObject(relocated, { programs: options.programs, mapPins });
    undo.own(`object ${file}`, loaded);
    for (const map of loaded.maps) {
      if (map.origin === 'created' && map.pin !== undefined)
        undo.push(`unpin ${map.pin}`, () => fs.rmSync(map.pin!));
    }
    const pinStart = process.hrtime.bigint();
    pinAll(directory, loaded, undo);
    const pin = since(pinStart);
    const links = options.attach ? attachAll(directory, loaded, notes, undo) : new Map<string, RawLink>();
    await interruption.checkpoint();
    const { timing } = loaded;
    return {
      object: file,
      programs: loaded.programs.map((program) => programJson(directory, program, links)),
      maps: loaded.maps.map((map) => mapJson(directory, map)),
      cache: outcome,
      elapsedUs: {
        read,
        parse,
        relocate,
        maps: timing.btf + timing.maps,
        programs: timing.programs,
        pin,
        total: since(start),
      },
      notes: [...notes, ...loaded.notes],
    };
  };
  return Interruption.guard((interruption) => undo.guard(() => work(interruption)));
}

/** Data sections have a dot in their kernel names: `edge.rodata` is pinned as `edge_rodata`. */
function mapPlace(directory: string, name: string): string {
  return path.join(directory, 'maps', pinName(name));
}

function programPlace(directory: string, program: LoadedProgram): string {
  return path.join(directory, pinName(program.spec.name));
}

function placeOf(directory: string, { spec, pin }: LoadedMap): string {
  return (
    pin ??
    mapPlace(directory, spec.origin === 'data' || spec.origin === 'kconfig' ? spec.kernelName : spec.name)
  );
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

function programJson(
  directory: string,
  program: LoadedProgram,
  links: ReadonlyMap<string, RawLink>,
): RawLoad['programs'][number] {
  const { spec, fd, type } = program;
  const { tag, verifiedInsns } = programInfo(fd.number);
  return {
    name: spec.name,
    section: spec.section,
    type: programTypeName(type),
    tag,
    insnsSha256: instructionsDigest(spec.instructions),
    insns: spec.instructions.length / 8,
    verified: verifiedInsns === 0 ? null : verifiedInsns,
    pin: programPlace(directory, program),
    link: links.get(spec.name)?.pin ?? null,
    attached: links.get(spec.name)?.target ?? null,
  };
}

function mapJson(directory: string, map: LoadedMap): RawLoad['maps'][number] {
  const { type, keySize, valueSize, maxEntries, flags } = mapInfo(map.fd.number);
  return {
    name: map.spec.name,
    type: mapTypeName(type),
    keySize,
    valueSize,
    maxEntries,
    flags,
    pin: placeOf(directory, map),
  };
}

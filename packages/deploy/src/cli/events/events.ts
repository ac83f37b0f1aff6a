import fs from 'node:fs';
import {
  allIds,
  Btf,
  BpfMap,
  BtfKind,
  decoderOf,
  MapType,
  mapTypeName,
  PerfEventArray,
  programInfo,
  RingBuffer,
  withObject,
  type PerfSample,
} from '@nx-bpf/loader';
import { BpfError, nearest } from '@nx-bpf/loader/errors';
import { valueJson, valueText } from '../../report';
import { btfOf } from '../../toolchain';
import { eventTypes } from '../../types';
import { find } from '../find';
import { done, type ObjectOptions } from '../group';
import { Interruptible } from '../interruptible';
import { type Outcome } from '../request';
import { writeOut } from '../stdout';
import { programBtf } from '../survey';

/** Options of `nx-bpf events`. */
export interface EventsOptions extends ObjectOptions {
  type?: string;
  btf?: string;
  /** How many records; without end, if left out. */
  count?: number;
}

/** `nx-bpf events`: decoded where a type is named or is the only one of a record's size, else as bytes. */
export async function events(target: string, options: EventsOptions): Promise<Outcome> {
  const { fd, name } = find('map', target, options);
  const map = new BpfMap(fd, { name });
  const interruptible = new Interruptible();
  try {
    const reader = open(map, interruptible.signal);
    try {
      await print(reader.records, decoder(map, options), options, interruptible);
    } finally {
      process.stderr.write(`${reader.summary()}\n`);
      reader.close();
    }
  } finally {
    interruptible.done();
    map.close();
  }
  return done;
}

interface Reader {
  readonly records: AsyncIterable<PerfSample<Uint8Array>[] | Uint8Array[]>;
  summary(): string;
  close(): void;
}

function open(map: BpfMap, signal: AbortSignal): Reader {
  if (map.type === MapType.ringbuf) {
    const ring = new RingBuffer(map, { signal });
    return {
      records: ring.batches(),
      // The kernel does not count what found no room in a ring buffer: the program is told.
      summary: () => `${ring.pending} bytes wait unread`,
      close: () => ring.close(),
    };
  }
  if (map.type === MapType.perf_event_array) {
    const perf = new PerfEventArray(map, { signal });
    return {
      records: perf.batches(),
      summary: () => `${perf.lost} records were lost`,
      close: () => perf.close(),
    };
  }
  throw new BpfError('MAP_INVALID', `map '${map.name}' has no records`, {
    map: map.name,
    found: `a map of type ${mapTypeName(map.type)}`,
    expected: 'type ringbuf or perf_event_array',
    hint: 'nx-bpf map dump shows its elements',
  });
}

type Decode = (record: Uint8Array) => unknown;

async function print(
  records: Reader['records'],
  decode: Decode,
  options: EventsOptions,
  interruptible: Interruptible,
): Promise<void> {
  let left = options.count ?? Infinity;
  for await (const batch of records) {
    const lines = batch.slice(0, left).map((record) => line(record, decode, options.json ?? false));
    left -= lines.length;
    const read = await writeOut(lines.map((text) => `${text}\n`).join(''));
    if (!read || left <= 0 || interruptible.interrupted) return;
  }
}

function line(record: PerfSample<Uint8Array> | Uint8Array, decode: Decode, json: boolean): string {
  if (record instanceof Uint8Array) {
    const value = decode(record);
    return json ? valueJson(value) : valueText(value);
  }
  const { cpu } = record;
  const value = decode(record.value);
  return json ? valueJson({ cpu, value }) : `cpu ${cpu}: ${valueText(value)}`;
}

function decoder(map: BpfMap, options: EventsOptions): Decode {
  const btf = options.btf === undefined ? typesOf(map) : fromFile(options.btf);
  if (options.type !== undefined) return named(map, btf, options.type);
  // A perf event array pads records: there a size says nothing.
  if (btf === undefined || map.type !== MapType.ringbuf) return (record) => record;
  const bySize = new Map<number, number | undefined>();
  for (const { typeId } of eventTypes(btf)) {
    const size = btf.byteSize(typeId);
    bySize.set(size, bySize.has(size) ? undefined : typeId);
  }
  return (record) => {
    const typeId = bySize.get(record.length);
    return typeId === undefined ? record : decoderOf(btf, typeId).decode(record);
  };
}

function named(map: BpfMap, btf: Btf | undefined, type: string): Decode {
  if (btf === undefined) {
    throw new BpfError('BTF_MISSING', `map '${map.name}': no types to find '${type}' in`, {
      map: map.name,
      symbol: type,
      hint: 'name the object file with --btf; the types of a loaded program take CAP_SYS_ADMIN',
    });
  }
  const [, , name = type] = /^(struct|union)\s+(\w+)$/.exec(type) ?? [];
  const typeId = [BtfKind.STRUCT, BtfKind.UNION, BtfKind.TYPEDEF]
    .map((kind) => btf.find(name, kind))
    .find((id) => id !== 0);
  if (typeId === undefined) {
    const known = eventTypes(btf).map((event) => event.name);
    const near = nearest(name, known);
    throw new BpfError('CONSTANT_UNKNOWN', `map '${map.name}': its object has no type '${type}'`, {
      map: map.name,
      symbol: type,
      hint:
        near.length > 0
          ? `did you mean ${near.join(' or ')}?`
          : `a global pointer keeps a type in an object; it has ${known.join(', ') || 'none'}`,
    });
  }
  const decode = decoderOf(btf, typeId);
  return (record) => (record.length >= decode.size ? decode.decode(record) : record);
}

/**
 * The kernel keeps no types with maps of records: those of a program that uses the map are its object's. Objects by id
 * take CAP_SYS_ADMIN: without it, and without --btf, records are bytes.
 */
function typesOf(map: BpfMap): Btf | undefined {
  try {
    return typesOfUser(map);
  } catch (error) {
    if (error instanceof BpfError && error.code === 'PRIVILEGE_MISSING') return undefined;
    throw error;
  }
}

function typesOfUser(map: BpfMap): Btf | undefined {
  for (const id of allIds('program')) {
    const btfId = withObject('program', id, (fd) => {
      const info = programInfo(fd);
      return info.mapIds.includes(map.id) ? info.btfId : 0;
    });
    if (btfId !== undefined && btfId !== 0) return programBtf(btfId);
  }
  return undefined;
}

function fromFile(file: string): Btf {
  let bytes: Uint8Array;
  try {
    bytes = fs.readFileSync(file);
  } catch (error) {
    throw new BpfError('FILE', `${file} cannot be read`, { path: file }, error);
  }
  return Btf.parse(btfOf(bytes, file), { object: file });
}

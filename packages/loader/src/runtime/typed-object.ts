import { Collection } from './collection';
import { PerfEventArray, type PerfEventArrayOptions } from './perf-event-array';
import { type PinnedObject } from './pinned-object';
import { type Program } from './program';
import { RingBuffer, type RingBufferOptions } from './ring-buffer';
import { type Variable } from './variable';

/** The types of an object: what a file that `nx-bpf types` wrote gives to {@link TypedObject}. */
export interface ObjectTypes {
  /** A `BpfMap` for each name. */
  readonly maps: object;
  readonly programs: string;
  readonly variables: object;
  /** Records of ring buffers and perf event arrays, by the name of their struct. */
  readonly events: object;
}

/** The same at run time: names of maps and programs, C types of values, and where variables are. */
export interface ObjectShape {
  readonly maps: readonly string[];
  readonly programs: readonly string[];
  /** Full names of the data sections' maps by the names of their variables. */
  readonly variables: Readonly<Record<string, string>>;
  /** C types of the maps' values, where they have a name. */
  readonly values: Readonly<Record<string, string>>;
}

type MapsOf<T extends ObjectTypes> = T['maps'];
type VariablesOf<T extends ObjectTypes> = {
  readonly [N in keyof T['variables']]: Variable<T['variables'][N]>;
};

/**
 * An object's maps, programs, variables and events under their names, with the types that `nx-bpf types` wrote down:
 * the compiler then checks keys, values and names.
 *
 * @typeParam T of the generated file
 *
 * @example
 * ```ts
 * interface Types extends ObjectTypes {
 *   maps: { hits: BpfMap<number, { packets: number }> };
 *   variables: { sample_rate: number };
 *   events: { exec_event: { pid: number } };
 * }
 * const shape = { maps: ['hits'], programs: [], variables: {}, values: { hits: 'struct counter' } };
 * const edge = new TypedObject<Types>(collection, shape);
 * edge.maps.hits.update(1, { packets: 5 });
 * edge.maps.hits.lookup(1); // { packets: 5 }
 * ```
 */
export class TypedObject<T extends ObjectTypes> implements Disposable {
  readonly maps: MapsOf<T>;
  readonly programs: Readonly<Record<T['programs'], Program>>;
  readonly variables: VariablesOf<T>;

  /** @param source what was loaded or pinned: closed with this */
  constructor(
    readonly source: Collection | PinnedObject,
    shape: ObjectShape,
  ) {
    this.maps = lazily(shape.maps, (name) => source.map(name)) as MapsOf<T>;
    this.programs = lazily(shape.programs, (name) => source.program(name)) as Readonly<
      Record<T['programs'], Program>
    >;
    this.variables = lazily(Object.keys(shape.variables), (name) =>
      source.variable(name, shape.variables[name]!),
    ) as VariablesOf<T>;
  }

  /**
   * The records of a ring buffer.
   *
   * @param map by its name
   * @param type the struct that the program submits
   * @throws BpfError MAP_INVALID for a map of another type, BTF_MISSING where the types may not be looked at
   */
  ringBuffer<E extends keyof T['events'] & string>(
    map: keyof T['maps'] & string,
    type: E,
    options: Omit<RingBufferOptions, 'type' | 'btf'> = {},
  ): RingBuffer<T['events'][E]> {
    return new RingBuffer<T['events'][E]>(this.source.map(map), {
      ...options,
      type: `struct ${type}`,
      btf: this.types(type),
    });
  }

  /** The samples of a perf event array: as {@link ringBuffer}. */
  perfEvents<E extends keyof T['events'] & string>(
    map: keyof T['maps'] & string,
    type: E,
    options: Omit<PerfEventArrayOptions, 'type' | 'btf'> = {},
  ): PerfEventArray<T['events'][E]> {
    return new PerfEventArray<T['events'][E]>(this.source.map(map), {
      ...options,
      type: `struct ${type}`,
      btf: this.types(type),
    });
  }

  close(): void {
    this.source.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private types(type: string) {
    if (this.source instanceof Collection) return undefined;
    return this.source.typesWith(`struct ${type}`);
  }
}

/** An object whose properties are found when they are first read. */
function lazily<V>(names: readonly string[], find: (name: string) => V): Readonly<Record<string, V>> {
  const found: Record<string, V> = {};
  for (const name of names) {
    let value: V | undefined;
    Object.defineProperty(found, name, { enumerable: true, get: () => (value ??= find(name)) });
  }
  return found;
}

import {
  attachStructOps,
  type Attachment,
  type HookName,
  type HookOptions,
  type HookResults,
  type StructOpsLink,
  type StructOpsMap,
  type StructOpsRegistration,
} from '../attach';
import { Btf } from '../btf';
import { BpfError, nearest, type ErrorCode } from '../errors';
import { closeAll } from '../kernel';
import { structOpsValue, type LoadedMap, type LoadedObject, type LoadedProgram } from '../load';
import { type RelocatedObject } from '../relocate';
import { DataSection } from './data-section';
import { BpfMap } from './map';
import { Program } from './program';
import { Variable } from './variable';

/**
 * A loaded object: its programs, maps, variables and links, by name. It holds their fds until {@link close}; what is
 * pinned or attached through a pinned link lives on after that.
 *
 * @example
 * ```ts
 * const collection = loadFile('edge.bpf.o');
 * collection.attach('edge_guard', 'xdp', { interface: 'eth0' });
 * collection.map('hits').lookup(1);
 * collection.close();
 * ```
 */
export class Collection implements Disposable {
  readonly name: string;
  readonly programs: ReadonlyMap<string, Program>;
  readonly maps: ReadonlyMap<string, BpfMap>;
  readonly variables: ReadonlyMap<string, Variable>;
  /** What did not go as wished when it was loaded and is no failure. */
  readonly notes: readonly string[];
  private readonly attached: Attachment[] = [];
  private readonly structs: ReadonlyMap<string, LoadedMap['spec']>;
  /** Names of programs by the index of their function. */
  private readonly byFunction: ReadonlyMap<number, string>;
  private readonly sections: readonly DataSection[];

  /** @param loaded gives its fds away: the collection closes them */
  constructor(relocated: RelocatedObject, loaded: LoadedObject) {
    const btf = relocated.btf && Btf.parse(relocated.btf, { object: relocated.name });
    this.name = loaded.name;
    this.notes = loaded.notes;
    this.programs = new Map(loaded.programs.map((program) => [program.spec.name, runtimeProgram(program)]));
    this.maps = new Map(loaded.maps.map((map) => [map.spec.name, runtimeMap(map, btf)]));
    this.structs = new Map(
      loaded.maps
        .filter(({ spec }) => spec.structOps !== undefined)
        .map(({ spec }) => [spec.name, spec] as const),
    );
    this.byFunction = new Map(loaded.programs.map(({ spec }) => [spec.function, spec.name] as const));
    const sections = new Map(
      loaded.maps.map(({ spec, arena }) => [spec.name, new DataSection(this.maps.get(spec.name)!, arena)]),
    );
    this.sections = [...sections.values()];
    this.variables = new Map(
      relocated.variables.flatMap((spec) => {
        const section = sections.get(spec.map);
        return section === undefined ? [] : [[spec.name, new Variable(spec, section, btf)] as const];
      }),
    );
  }

  /** What {@link attach}, {@link autoAttach} and {@link attachStructOps} made, in their order. */
  get links(): readonly Attachment[] {
    return this.attached;
  }

  /** @throws BpfError PROGRAM_NOT_FOUND with the nearest names */
  program(name: string): Program {
    return this.named('program', this.programs, name, 'PROGRAM_NOT_FOUND');
  }

  /**
   * @typeParam K of keys, V of values: asserted, not checked
   * @throws BpfError MAP_NOT_FOUND with the nearest names
   */
  map<K = unknown, V = unknown>(name: string): BpfMap<K, V> {
    return this.named('map', this.maps, name, 'MAP_NOT_FOUND') as BpfMap<K, V>;
  }

  /**
   * @typeParam T of the value: asserted, not checked
   * @throws BpfError CONSTANT_UNKNOWN with the nearest names
   */
  variable<T = unknown>(name: string): Variable<T> {
    return this.named('variable', this.variables, name, 'CONSTANT_UNKNOWN') as Variable<T>;
  }

  /**
   * Attach a program; {@link close} detaches it, unless the link is pinned.
   *
   * @throws BpfError PROGRAM_NOT_FOUND, and what the hook's own function throws
   */
  attach<H extends HookName>(program: string, hook: H, options: HookOptions[H]): HookResults[H] {
    const link = this.program(program).attach(hook, options);
    this.attached.push(link);
    return link;
  }

  /**
   * Let the kernel use a struct of `.struct_ops.link` or `.struct_ops`, by the name of its variable; {@link close}
   * ends that, unless the link is pinned.
   *
   * @throws BpfError MAP_NOT_FOUND with the nearest names, and what `attachStructOps` of the hooks throws
   *
   * @example
   * ```ts
   * const congestion = loadFile('congestion.bpf.o');
   * const link = congestion.attachStructOps('first');
   * link.pin('/sys/fs/bpf/congestion');
   * link.detach();
   * ```
   */
  attachStructOps(name: string): StructOpsLink | StructOpsRegistration {
    const made = attachStructOps(this.structOps(name));
    this.attached.push(made);
    return made;
  }

  /**
   * A struct of `.struct_ops.link` or `.struct_ops` with what registers it, for the update of a link.
   *
   * @throws BpfError MAP_NOT_FOUND with the nearest names
   */
  structOps(name: string): StructOpsMap {
    const spec = this.named('struct_ops', this.structs, name, 'MAP_NOT_FOUND');
    const value = structOpsValue(spec, (index) => {
      const program = this.byFunction.get(index);
      return program === undefined ? undefined : this.program(program).fd;
    });
    return { fd: this.map(name).fd, name, value };
  }

  /**
   * Attach every program whose section name says where; {@link close} detaches them, unless their links are pinned.
   *
   * @returns the links by name of the program; the other programs are left for {@link attach}
   * @throws BpfError what a hook's own function throws: then none of them is attached
   *
   * @example
   * ```ts
   * for (const [program, link] of collection.autoAttach()) console.log(`${program}: ${link.describe()}`);
   * ```
   */
  autoAttach(): ReadonlyMap<string, Attachment> {
    const links = new Map<string, Attachment>();
    try {
      for (const [name, program] of this.programs) {
        const link = program.autoAttach();
        if (link !== undefined) links.set(name, link);
      }
    } catch (error) {
      closeAll(links.values());
      throw error;
    }
    this.attached.push(...links.values());
    return links;
  }

  /**
   * Close every fd: links first, last one first.
   *
   * @throws BpfError what a program could not be taken off with, such as PRIVILEGE_MISSING; all else is closed then
   */
  close(): void {
    const links = this.attached.splice(0).reverse();
    closeAll([...links, ...this.sections, ...this.programs.values(), ...this.maps.values()]);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private named<T>(kind: string, all: ReadonlyMap<string, T>, name: string, code: ErrorCode): T {
    const found = all.get(name);
    if (found !== undefined) return found;
    const near = nearest(name, all.keys());
    throw new BpfError(code, `${this.name}: no ${kind} '${name}' is loaded`, {
      object: this.name,
      symbol: name,
      expected: all.size > 0 ? `one of ${[...all.keys()].join(', ')}` : `an object with a ${kind}`,
      hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : undefined,
    });
  }
}

function runtimeProgram({ fd, spec, attachType }: LoadedProgram): Program {
  return new Program(fd.release(), {
    name: spec.name,
    attachType,
    section: spec.section,
    target: spec.target,
  });
}

function runtimeMap({ fd, spec }: LoadedMap, btf: Btf | undefined): BpfMap {
  const { name, keyTypeId, valueTypeId } = spec;
  return new BpfMap(fd.release(), btf === undefined ? { name } : { name, btf, keyTypeId, valueTypeId });
}

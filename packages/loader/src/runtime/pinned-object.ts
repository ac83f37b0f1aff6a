import { existsSync } from 'node:fs';
import path from 'node:path';
import { BtfKind, type Btf } from '../btf';
import { BpfError, nearest } from '../errors';
import { closeAll } from '../kernel';
import { DataSection } from './data-section';
import { BpfMap } from './map';
import { Program } from './program';
import { findType } from './record-decoder';
import { Variable } from './variable';

/**
 * What is pinned of an object or a deployment, by the directory of its pins: `maps/<name>` in it, and programs in
 * `current/programs` (a deployment) or in the directory itself (`nx-bpf load --pin`). Everything is opened when it is
 * first asked for, and closed together.
 *
 * @example
 * ```ts
 * const agent = new PinnedObject('/sys/fs/bpf/nx-bpf/agent/dev');
 * agent.close(); // what was opened meanwhile
 * ```
 */
export class PinnedObject implements Disposable {
  private readonly maps = new Map<string, BpfMap>();
  private readonly programs = new Map<string, Program>();
  private readonly sections = new Map<string, DataSection>();

  /**
   * @param described C types of values, by map: the kernel keeps none for some types of maps (queues, for one); they
   *   are then looked up in the types of another of these maps
   */
  constructor(
    readonly directory: string,
    private readonly described: Readonly<Record<string, string>> = {},
  ) {}

  /**
   * @typeParam K of keys, V of values: asserted, not checked
   * @param name in full; dots stand for the underscores of the pin
   * @throws BpfError PIN_NOT_FOUND
   */
  map<K = unknown, V = unknown>(name: string): BpfMap<K, V> {
    let map = this.maps.get(name);
    if (map === undefined) {
      map = this.open(name);
      this.maps.set(name, map);
    }
    return map as BpfMap<K, V>;
  }

  /** @throws BpfError PIN_NOT_FOUND */
  program(name: string): Program {
    let program = this.programs.get(name);
    if (program === undefined) {
      const current = path.join(this.directory, 'current', 'programs');
      program = Program.open(path.join(existsSync(current) ? current : this.directory, pinName(name)));
      this.programs.set(name, program);
    }
    return program;
  }

  /**
   * A global variable.
   *
   * @typeParam T of the value: asserted, not checked
   * @param section name of its map: `edge.bss`
   * @throws BpfError PIN_NOT_FOUND, BTF_MISSING without CAP_SYS_ADMIN, CONSTANT_UNKNOWN with the nearest names
   */
  variable<T = unknown>(name: string, section: string): Variable<T> {
    const map = this.map(section);
    const { btf } = map;
    const { valueTypeId } = map.info();
    if (btf === undefined || btf.kind(valueTypeId) !== BtfKind.DATASEC) {
      throw new BpfError('BTF_MISSING', `map '${section}': what variables it has is not known`, {
        map: section,
        hint: 'opening types takes CAP_SYS_ADMIN, and an object that was compiled with -g',
      });
    }
    const place = variableIn(btf, valueTypeId, name, section);
    let data = this.sections.get(section);
    if (data === undefined) this.sections.set(section, (data = new DataSection(map)));
    return new Variable<T>({ name, map: section, ...place, binding: 'global', hidden: false }, data, btf);
  }

  /** The types of the object that defines a type, as one of its maps has them; undefined where there are none. */
  typesWith(type: string): Btf | undefined {
    for (const name of Object.keys(this.described)) {
      // Where only some programs of an object are loaded, the maps that they do not use are not there.
      const btf = existsSync(this.pinOf(name)) ? this.map(name).btf : undefined;
      if (btf !== undefined && findType(btf, type) !== 0) return btf;
    }
    return undefined;
  }

  private open(name: string): BpfMap {
    const pin = this.pinOf(name);
    const map = BpfMap.open(pin, { name });
    const type = this.described[name];
    if (type === undefined || map.info().btfId !== 0) return map;
    // It is among the maps while its types are looked for in all of them.
    this.maps.set(name, map);
    let btf: Btf | undefined;
    try {
      btf = this.typesWith(type);
    } catch (error) {
      map.close();
      throw error;
    } finally {
      this.maps.delete(name);
    }
    if (btf === undefined) return map;
    map.close();
    return BpfMap.open(pin, { name, btf, valueTypeId: findType(btf, type) });
  }

  private pinOf(map: string): string {
    return path.join(this.directory, 'maps', pinName(map));
  }

  /** Close every fd; what is pinned stays. */
  close(): void {
    const opened = [this.sections, this.programs, this.maps];
    const all = opened.flatMap((some) => [...some.values()]);
    for (const some of opened) some.clear();
    closeAll(all);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** bpffs refuses a dot in a name. */
function pinName(name: string): string {
  return name.replaceAll('.', '_');
}

function variableIn(
  btf: Btf,
  datasec: number,
  name: string,
  section: string,
): { offset: number; size: number; typeId: number } {
  const names: string[] = [];
  for (let i = 0; i < btf.vlen(datasec); i++) {
    const variable = btf.secVarType(datasec, i);
    if (btf.name(variable) === name) {
      const [offset, size] = [btf.secVarOffset(datasec, i), btf.secVarSize(datasec, i)];
      return { offset, size, typeId: btf.type(variable) };
    }
    names.push(btf.name(variable));
  }
  const near = nearest(name, names);
  throw new BpfError('CONSTANT_UNKNOWN', `map '${section}' has no variable '${name}'`, {
    map: section,
    symbol: name,
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : undefined,
  });
}

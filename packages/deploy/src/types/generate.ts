import {
  BtfKind,
  heldBy,
  isIndexed,
  isPerCpu,
  MapType,
  type Btf,
  type MapSpec,
  type ObjectSpec,
} from '@nx-bpf/loader';
import { eventTypes } from './event-types';
import { pascalCase, TypeWriter } from './type-names';

/** What a file of types is made for. */
export interface TypedSpec {
  /** Of the object or project: `edge`. The file's class is named for it. */
  readonly name: string;
  readonly objects: readonly ObjectSpec[];
  /** Names of programs; by default the functions of the objects. */
  readonly programs?: readonly string[] | undefined;
  /** Where a deployment's pins are by default; without it the file says how to load the object. */
  readonly directory?: string | undefined;
}

interface Section {
  readonly lines: string[];
  readonly names: string[];
}

/**
 * A TypeScript file with the types of an object's maps, variables and events, and a class that opens them: for
 * programs that read and write what was loaded. The same objects give the same text.
 */
export function generateTypes({ name, objects, programs, directory }: TypedSpec): string {
  const writer = new TypeWriter();
  const title = pascalCase(name);
  for (const own of [title, `${title}Types`, 'BpfMap', 'Handle', 'TypedObject', 'PinnedObject'])
    writer.reserve(own);
  const maps = mapLines(objects, writer);
  const variables = variableLines(objects, writer);
  const events = eventLines(objects, writer);
  const functions = [
    ...new Set(programs ?? objects.flatMap((object) => object.programs.map((program) => program.name))),
  ].sort();
  const uses = (word: string): boolean => maps.lines.some((line) => new RegExp(`\\b${word}\\b`).test(line));
  const imports = [
    ...(directory === undefined ? ['loadFile'] : []),
    'PinnedObject',
    'TypedObject',
    ...(uses('BpfMap') ? ['type BpfMap'] : []),
    ...(uses('Handle') ? ['type Handle'] : []),
    ...(directory === undefined ? ['type LoadFileOptions'] : []),
  ];
  const list = (names: readonly string[]): string => `[${names.map(quote).join(', ')}]`;
  return [
    '// Written by `nx-bpf types` from the objects of this name: do not edit, write it again.',
    `import { ${imports.join(', ')} } from '@nx-bpf/loader';`,
    '',
    ...writer.declarations().filter((text) => text !== ''),
    `/** Types of the maps, variables and events of ${name}. */`,
    `export interface ${title}Types {`,
    ...block('maps', maps.lines),
    `  readonly programs: ${functions.length === 0 ? 'never' : functions.map(quote).join(' | ')};`,
    ...block('variables', variables.lines),
    ...block('events', events),
    '}',
    '',
    'const shape = {',
    `  maps: ${list(maps.names)},`,
    `  programs: ${list(functions)},`,
    '  variables: {',
    ...variables.names,
    '  },',
    '  values: {',
    ...valueNames(objects).map(([map, type]) => `    ${property(map)}: ${quote(type)},`),
    '  },',
    '} as const;',
    '',
    `/** Maps, programs, variables and events of ${name}, typed. Closing it closes what it opened. */`,
    `export class ${title} extends TypedObject<${title}Types> {`,
    ...(directory === undefined ? loadMethod(title) : []),
    '  /** What is pinned under a directory: of a deployment, or of `nx-bpf load --pin`. Opened as it is used. */',
    `  static open(directory${directory === undefined ? ': string' : ` = ${quote(directory)}`}): ${title} {`,
    `    return new ${title}(new PinnedObject(directory, shape.values), shape);`,
    '  }',
    '}',
    '',
  ].join('\n');
}

function loadMethod(title: string): string[] {
  return [
    '  /** Load the object; it goes with {@link close}, unless it is pinned. */',
    `  static load(file: string, options?: LoadFileOptions): ${title} {`,
    `    return new ${title}(loadFile(file, options), shape);`,
    '  }',
    '',
  ];
}

function block(name: string, lines: readonly string[]): string[] {
  return [`  readonly ${name}: {`, ...lines.map((line) => `    ${line}`), '  };'];
}

function mapLines(objects: readonly ObjectSpec[], writer: TypeWriter): Section {
  const lines = new Map<string, string>();
  for (const { btf, maps } of objects) {
    for (const map of maps) {
      if (map.origin === 'data' || map.origin === 'kconfig' || map.origin === 'arena') continue;
      if (lines.has(map.name)) continue;
      lines.set(
        map.name,
        `readonly ${property(map.name)}: BpfMap<${keyType(map, btf, writer)}, ${valueType(map, btf, writer)}>;`,
      );
    }
  }
  const names = [...lines.keys()].sort();
  return { names, lines: names.map((name) => lines.get(name)!) };
}

function keyType(map: MapSpec, btf: Btf | undefined, writer: TypeWriter): string {
  if (map.keySize === 0) return 'never';
  if (btf === undefined || map.keyTypeId === 0) return isIndexed(map.type) ? 'number' : 'Uint8Array';
  const type = writer.typeOf(btf, map.keyTypeId);
  return map.type === MapType.lpm_trie ? `${type} | string` : type;
}

function valueType(map: MapSpec, btf: Btf | undefined, writer: TypeWriter): string {
  if (heldBy(map.type) !== undefined) return 'Handle';
  if (map.valueSize === 0) return 'never';
  const type =
    btf === undefined || map.valueTypeId === 0 ? 'Uint8Array' : writer.typeOf(btf, map.valueTypeId);
  if (!isPerCpu(map.type)) return type;
  return /^\w+$/.test(type) ? `readonly ${type}[]` : `readonly (${type})[]`;
}

/** A variable that several objects have under one name is each object's own: only the first can be named. */
function variableLines(objects: readonly ObjectSpec[], writer: TypeWriter): Section {
  const types = new Map<string, string>();
  const places = new Map<string, string>();
  for (const object of objects) {
    const events = new Set(object.btf === undefined ? [] : eventPointers(object.btf));
    const sections = new Map(object.maps.map((map) => [map.name, map.kernelName]));
    for (const { name, map, typeId, binding } of object.variables) {
      if (types.has(name) || binding === 'local' || events.has(name) || !sections.has(map)) continue;
      types.set(
        name,
        object.btf === undefined || typeId === 0 ? 'Uint8Array' : writer.typeOf(object.btf, typeId),
      );
      places.set(name, sections.get(map)!);
    }
  }
  const names = [...types.keys()].sort();
  return {
    lines: names.map((name) => `readonly ${property(name)}: ${types.get(name)!};`),
    names: names.map((name) => `    ${property(name)}: ${quote(places.get(name)!)},`),
  };
}

/** The pointers that are there for their types alone. */
function eventPointers(btf: Btf): string[] {
  const types = new Set(eventTypes(btf).map(({ typeId }) => typeId));
  const names: string[] = [];
  for (let id = btf.firstId; id < btf.endId; id++) {
    if (btf.kind(id) !== BtfKind.VAR) continue;
    const pointer = btf.resolve(btf.type(id));
    if (btf.kind(pointer) === BtfKind.PTR && types.has(btf.resolve(btf.type(pointer))))
      names.push(btf.name(id));
  }
  return names;
}

function eventLines(objects: readonly ObjectSpec[], writer: TypeWriter): string[] {
  const lines = new Map<string, string>();
  for (const { btf } of objects) {
    if (btf === undefined) continue;
    for (const { name, typeId } of eventTypes(btf)) {
      if (!lines.has(name)) lines.set(name, `readonly ${name}: ${writer.typeOf(btf, typeId)};`);
    }
  }
  return [...lines.keys()].sort().map((name) => lines.get(name)!);
}

/** C types of the maps' values, where they have a name to be found by. */
function valueNames(objects: readonly ObjectSpec[]): [map: string, type: string][] {
  const names = new Map<string, string>();
  for (const { btf, maps } of objects) {
    for (const map of maps) {
      if (btf === undefined || map.origin !== 'btf' || map.valueTypeId === 0) continue;
      const type = btf.describe(map.valueTypeId);
      if (/^((struct|union|enum) )?\w+$/.test(type)) names.set(map.name, type);
    }
  }
  return [...names].sort(([a], [b]) => (a < b ? -1 : 1));
}

function property(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name);
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

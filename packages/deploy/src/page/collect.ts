import path from 'node:path';
import {
  hooks,
  loadObject,
  mapTypeName,
  parseObject,
  programFunctions,
  programTypeName,
  type FunctionSpec,
  type MapSpec,
  type ObjectSpec,
} from '@nx-bpf/loader';
import {
  deployedName,
  readObject,
  relocateCached,
  withValues,
  type CompiledObject,
  type ObjectFile,
} from '../apply';
import { type RelocationCache } from '../cache';
import {
  defaultMap,
  everyProgram,
  Problems,
  type AttachEntry,
  type ProgramOrVariant,
  type ProjectConfig,
} from '../manifest';
import { verdictName, type KernelVerdict, type LoadVerdict } from '../verify';
import { bytesOfType, type ByteRun } from './bytes-of-type';
import { listingOf } from './listing';
import { type Report, type ReportedMap, type ReportedProgram } from './report';
import { verifierWalk, type Walked } from './verifier-walk';

/** What is known of a project when a page of it is made. */
export interface Known {
  readonly config: ProjectConfig;
  readonly objects: readonly CompiledObject[];
  readonly kernels: readonly KernelVerdict[];
  /** What the running kernel made of the programs, where it was asked; then their logs are asked for, too. */
  readonly loaded:
    | {
        readonly release: string;
        readonly verdicts: readonly LoadVerdict[];
        readonly cache: RelocationCache;
      }
    | undefined;
  readonly plan: Report['plan'];
}

/** An object, read once. */
interface Opened {
  readonly file: ObjectFile & { readonly name: string };
  readonly spec: ObjectSpec;
}

/**
 * Reads out of a project's objects what a page shows of them. Without `loaded` nothing is asked of the kernel.
 *
 * @throws BpfError for an object that cannot be read
 */
export function collectReport(known: Known): Report {
  const { config, objects, kernels, loaded, plan } = known;
  const opened = new Map(
    objects.map(({ name, file }): [string, Opened] => {
      const read = { ...readObject(file), name };
      return [name, { file: read, spec: parseObject(read.bytes, { name }) }];
    }),
  );
  return {
    project: config.project,
    environment: config.environment,
    revision: config.revision,
    objects: objects.map(({ name, file }) => {
      const { digest, bytes } = opened.get(name)!.file;
      return { name, file: path.relative(config.workspaceRoot, file), sha256: digest, size: bytes.length };
    }),
    programs: everyProgram(config).flatMap((program) => {
      const object = opened.get(program.object);
      return object === undefined ? [] : [reportProgram(known, program, object)];
    }),
    maps: reportMaps(config, opened),
    kernels,
    loadedBy: loaded?.release,
    plan,
  };
}

function reportProgram(known: Known, wanted: ProgramOrVariant, { file, spec }: Opened): ReportedProgram {
  const { config, loaded } = known;
  const { program, variant, object, function: entry, attach } = wanted;
  const found = spec.programs.find(({ name }) => name === entry);
  const placed = programFunctions(spec, entry);
  const load = loaded?.verdicts.find(
    (each) => each.program === program && each.object === object && each.function === entry,
  );
  return {
    name: verdictName({ program, variant: variant?.name ?? null }),
    object,
    function: entry,
    section: found?.section ?? '',
    type: found?.type === undefined ? undefined : programTypeName(found.type),
    insns: placed.reduce((sum, { function: { instructions } }) => sum + instructions.length / 8, 0),
    functions: listingOf(spec, entry),
    maps: mapsOf(
      spec,
      object,
      placed.map((each) => each.function),
    ),
    attach: attach.map((each) => ({
      id: each.id,
      hook: each.hook,
      target: targetOf(each),
      optional: each.optional,
    })),
    budgets: config.programs[program]!.budgets,
    load,
    walk:
      load === undefined || load.loads === null || loaded === undefined
        ? new Map<number, Walked>()
        : verifierWalk(logOf(config, file, entry, load, loaded.cache), load.loads === false),
  };
}

/** `BPF_LOG_LEVEL2` of include/linux/bpf_verifier.h: every instruction, whether the program is refused or not. */
const EVERY_INSTRUCTION = 2;

/** The verifier's log of a program: that of its refusal, or of loading it once more. */
function logOf(
  config: ProjectConfig,
  file: Opened['file'],
  entry: string,
  load: LoadVerdict,
  cache: RelocationCache,
): readonly string[] {
  if (load.loads !== true) return load.errors.flatMap(({ fields }) => fields.log ?? []);
  const problems = new Problems();
  const { relocated } = relocateCached(file, [entry], cache);
  const object = withValues(config, file.name, relocated, problems);
  problems.throwIfAny();
  const loaded = loadObject(object, { programs: [entry], logLevel: EVERY_INSTRUCTION });
  try {
    return loaded.program(entry).log;
  } finally {
    loaded.close();
  }
}

function mapsOf(spec: ObjectSpec, object: string, functions: readonly FunctionSpec[]): string[] {
  const named = functions.flatMap(({ references }) =>
    references.flatMap((reference) =>
      reference.kind === 'map' || reference.kind === 'data' ? [reference.map] : [],
    ),
  );
  const maps = spec.maps.filter(({ name }) => named.includes(name));
  return maps.map((map) => deployedName(object, map)).sort();
}

/** What must be given comes first: it says where; the rest, where it is not what would hold anyway, says how. */
function targetOf({ hook, options, netns }: AttachEntry): string {
  const { options: known } = hooks[hook];
  const rank = (name: string): number => (known[name]?.required === true ? 0 : 1);
  const values = Object.entries(options)
    .filter(([name, value]) => value !== known[name]?.default)
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(([name, value]) => `${name} ${text(value)}`);
  return [...values, ...(netns === null ? [] : [`in ${netns}`])].join(', ');
}

function text(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

function reportMaps(config: ProjectConfig, opened: ReadonlyMap<string, Opened>): ReportedMap[] {
  const maps = new Map<string, ReportedMap>();
  const used = new Set(
    everyProgram(config).flatMap(({ object, function: entry }) => {
      const spec = opened.get(object)?.spec;
      if (spec === undefined) return [];
      return mapsOf(
        spec,
        object,
        programFunctions(spec, entry).map((each) => each.function),
      );
    }),
  );
  for (const [object, { spec }] of opened) {
    for (const map of spec.maps) {
      const name = deployedName(object, map);
      if (!maps.has(name) && used.has(name)) maps.set(name, reportMap(config, name, map, spec));
    }
  }
  return [...maps.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function reportMap(config: ProjectConfig, name: string, map: MapSpec, { btf }: ObjectSpec): ReportedMap {
  const settings = config.maps[name] ?? defaultMap;
  const type = mapTypeName(map.type);
  const bytes = (typeId: number, size: number): ByteRun[] =>
    btf === undefined || typeId === 0 ? [] : bytesOfType(btf, typeId, size);
  return {
    name,
    type,
    keySize: map.keySize,
    valueSize: map.valueSize,
    maxEntries: settings.maxEntries ?? map.maxEntries,
    perCpu: type.includes('percpu'),
    data: map.origin === 'data' || map.origin === 'kconfig',
    key: bytes(map.keyTypeId, map.keySize),
    value: bytes(map.valueTypeId, map.valueSize),
    config: settings,
  };
}

import fs from 'node:fs';
import path from 'node:path';
import {
  coreKind,
  CORE_RELOCATION_WORDS,
  disassemble,
  mapTypeName,
  objectName,
  parseObject,
  programTypeName,
  type FunctionSpec,
  type MapSpec,
  type ObjectSpec,
} from '@nx-bpf/loader';
import pc from 'picocolors';
import { referredTo } from '../page';
import { errorJson, errorStatus, renderError, table } from '../report';
import { type Outcome } from './request';

/**
 * `nx-bpf inspect`: what object files say, with nothing asked of a kernel, so it works for any byte order and
 * without privileges. A file that cannot be read does not keep the others from being shown.
 */
export function inspect(files: readonly string[], options: { json?: boolean; verbose?: boolean }): Outcome {
  let exitStatus = 0;
  const results = files.map((file) => {
    try {
      const spec = parseObject(readObject(file), { name: objectName(file) });
      if (!options.json) process.stdout.write(`${render(file, spec, options.verbose ?? false).join('\n')}\n`);
      return { object: file, ok: true, ...describe(spec), error: null };
    } catch (error) {
      exitStatus = errorStatus(error);
      process.stderr.write(`${renderError(error, options.verbose).join('\n')}\n`);
      return { object: file, ok: false, error: errorJson(error) };
    }
  });
  const result = results.length === 1 ? results[0] : results;
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  return { success: exitStatus === 0, exitStatus, result };
}

export function readObject(file: string): Uint8Array {
  return fs.readFileSync(file);
}

/** The JSON of one object. */
function describe(spec: ObjectSpec): Record<string, unknown> {
  return {
    name: spec.name,
    byteOrder: spec.littleEndian ? 'little' : 'big',
    license: spec.license,
    btf: spec.btf === undefined ? null : { types: spec.btf.endId - spec.btf.firstId },
    programs: spec.programs.map((program) => {
      const body = spec.functions[program.function]!;
      return {
        name: program.name,
        section: program.section,
        type: program.type === undefined ? null : programTypeName(program.type),
        attachType: program.attachType,
        target: program.target ?? null,
        autoload: program.autoload,
        sleepable: (program.flags & 0x10) !== 0,
        insns: body.instructions.length / 8,
      };
    }),
    functions: spec.functions.map((body) => ({
      name: body.name,
      section: body.section,
      binding: body.binding,
      insns: body.instructions.length / 8,
      relocations: coreRelocations(spec, body),
      references: body.references.map((reference) => ({
        ...reference,
        name: referredTo(spec, reference),
      })),
    })),
    maps: spec.maps.map((map) => mapJson(map)),
    variables: spec.variables.map(({ name, map, offset, size, typeId }) => ({
      name,
      map,
      offset,
      size,
      type: spec.btf !== undefined && typeId !== 0 ? spec.btf.describe(typeId) : null,
    })),
    externs: spec.externs.map(({ name, section, weak, function: isFunction }) => ({
      name,
      section: section ?? null,
      weak,
      kind: isFunction ? 'function' : 'variable',
    })),
  };
}

interface CoreRelocation {
  readonly insn: number;
  /** `byte_off`, `type_exists`, `enumval_value`... */
  readonly kind: string;
  readonly type: string;
  /** The accessor as the compiler wrote it: `0:3:1`. */
  readonly access: string;
}

/** What a function asks of the kernel's types. */
function coreRelocations({ btf }: ObjectSpec, body: FunctionSpec): CoreRelocation[] {
  if (btf === undefined) return [];
  return Array.from({ length: body.coreRelocations.length / CORE_RELOCATION_WORDS }, (_, i) => {
    const [insn, type, access, kind] = body.coreRelocations.subarray(i * CORE_RELOCATION_WORDS);
    return {
      insn: insn!,
      kind: coreKind(kind!)?.name ?? `kind ${kind}`,
      type: btf.describe(type!),
      access: btf.string(access!),
    };
  });
}

function mapJson(map: MapSpec): Record<string, unknown> {
  return {
    name: map.name,
    kernelName: map.kernelName,
    origin: map.origin,
    type: mapTypeName(map.type),
    keySize: map.keySize,
    valueSize: map.valueSize,
    maxEntries: map.maxEntries,
    flags: map.flags,
    pinByName: map.pinByName,
    frozen: map.frozen,
    inner: map.inner === undefined ? null : mapJson(map.inner),
    slots: map.slots.length,
  };
}

function render(file: string, spec: ObjectSpec, instructions: boolean): string[] {
  const order = spec.littleEndian ? 'little endian' : 'big endian';
  const types = spec.btf === undefined ? 'no BTF' : `${spec.btf.endId - spec.btf.firstId} BTF types`;
  const lines = [`${pc.bold(path.basename(file))}  ${order}, license ${spec.license || 'none'}, ${types}`];
  const section = (title: string, rows: string[]): void => {
    if (rows.length > 1) lines.push('', pc.bold(title), ...rows.map((row) => `  ${row}`));
  };
  const bodyOf = (index: number): FunctionSpec => spec.functions[index]!;
  section(
    'Programs',
    table(spec.programs, [
      { title: 'name', of: (p) => p.name },
      { title: 'section', of: (p) => (p.autoload ? p.section : `?${p.section}`) },
      { title: 'type', of: (p) => (p.type === undefined ? 'unknown' : programTypeName(p.type)) },
      { title: 'insns', of: (p) => bodyOf(p.function).instructions.length / 8 },
      { title: 'CO-RE', of: (p) => coreRelocations(spec, bodyOf(p.function)).length },
      { title: 'refers to', of: (p) => refersTo(spec, bodyOf(p.function)) },
    ]),
  );
  const entries = new Set(spec.programs.map((program) => program.function));
  section(
    'Subprograms',
    table(
      spec.functions.filter((_, index) => !entries.has(index)),
      [
        { title: 'name', of: (f) => f.name },
        { title: 'section', of: (f) => f.section },
        { title: 'binding', of: (f) => f.binding },
        { title: 'insns', of: (f) => f.instructions.length / 8 },
        { title: 'refers to', of: (f) => refersTo(spec, f) },
      ],
    ),
  );
  section(
    'Maps',
    table(spec.maps, [
      { title: 'name', of: (m) => m.name },
      { title: 'type', of: (m) => mapTypeName(m.type) },
      { title: 'key', of: (m) => m.keySize },
      { title: 'value', of: (m) => m.valueSize },
      { title: 'entries', of: (m) => m.maxEntries },
      { title: 'flags', of: (m) => (m.flags === 0 ? '-' : `0x${m.flags.toString(16)}`) },
    ]),
  );
  section(
    'Variables',
    table(spec.variables, [
      { title: 'name', of: (v) => v.name },
      { title: 'in', of: (v) => v.map },
      { title: 'offset', of: (v) => v.offset },
      { title: 'size', of: (v) => v.size },
      {
        title: 'type',
        of: (v) => (spec.btf !== undefined && v.typeId !== 0 ? spec.btf.describe(v.typeId) : '-'),
      },
    ]),
  );
  section(
    'Externs',
    table(spec.externs, [
      { title: 'name', of: (e) => e.name },
      { title: 'from', of: (e) => e.section ?? 'nowhere' },
      { title: 'kind', of: (e) => (e.function ? 'function' : 'variable') },
      { title: '', of: (e) => (e.weak ? 'weak' : '') },
    ]),
  );
  const relocations = spec.functions.flatMap((body) =>
    coreRelocations(spec, body).map((relocation) => ({ function: body.name, ...relocation })),
  );
  section(
    'CO-RE relocations',
    table(relocations, [
      { title: 'function', of: (r) => r.function },
      { title: 'insn', of: (r) => r.insn },
      { title: 'kind', of: (r) => r.kind },
      { title: 'type', of: (r) => r.type },
      { title: 'access', of: (r) => r.access },
    ]),
  );
  if (instructions) {
    for (const body of spec.functions) {
      lines.push('', pc.bold(body.name), ...disassemble(body.instructions).map((line) => `  ${line}`));
    }
  }
  return [...lines, ''];
}

/** Each thing that a function's instructions name, once, in the order of first use. */
function refersTo(spec: ObjectSpec, body: FunctionSpec): string {
  return [...new Set(body.references.map((reference) => referredTo(spec, reference)))].join(' ') || '-';
}

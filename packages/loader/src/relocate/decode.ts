import { isCall, isLdImm64, slotCount, SLOT } from '../asm';
import { ByteView, decodeText } from '../bytes';
import { type MapSpec } from '../object';
import { MAGIC, PREFIX_LENGTH, RELOCATED_VERSION } from './encode';
import { type Binding, type RelocatedObject, type RelocatedProgram } from './relocated';
import { relocatedShape } from './relocated-shape';
import { malformed } from './shape';

/** `struct bpf_func_info` and `struct bpf_line_info` in bytes. */
const FUNC_INFO_SIZE = 8;
const LINE_INFO_SIZE = 16;

/**
 * Reads what `encodeRelocated` wrote. Everything is checked that a loader relies on: whatever the bytes are, the
 * result is a well-formed object or an error. Its byte strings are views of `bytes`, which must not change.
 *
 * @param name whose result it is, for errors
 * @throws BpfError RELOCATED_MALFORMED; a cache takes it for a miss
 *
 * @example
 * ```ts
 * const stored = encodeRelocated(relocated);
 * decodeRelocated(stored, 'edge').programs.length; // 2
 * ```
 */
export function decodeRelocated(bytes: Uint8Array, name = 'object'): RelocatedObject {
  const view = new ByteView(bytes, true, { code: 'RELOCATED_MALFORMED', object: name });
  const magic = decodeText(view.slice(0, MAGIC.length), 0, MAGIC.length);
  if (magic !== MAGIC) throw malformed(name, 'offset 0', `the magic ${MAGIC}`);
  const version = view.u32(MAGIC.length);
  if (version !== RELOCATED_VERSION) throw malformed(name, 'its version', `version ${RELOCATED_VERSION}`);
  const length = view.u32(MAGIC.length + 4);
  const header = view.slice(PREFIX_LENGTH, length);
  const start = PREFIX_LENGTH + length;
  const blobs = { object: name, bytes: view.slice(start, bytes.length - start) };
  const relocated = relocatedShape(parseJson(header, name), 'the top', blobs);
  checkMaps(relocated, name);
  for (const program of relocated.programs) checkProgram(relocated, program, name);
  return relocated;
}

function parseJson(header: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header));
  } catch {
    throw malformed(name, `offset ${PREFIX_LENGTH}`, 'JSON');
  }
}

function checkMaps({ maps, variables }: RelocatedObject, name: string): void {
  for (const map of maps) {
    if (map.origin !== 'arena' && map.data !== undefined && map.data.length !== map.valueSize) {
      throw malformed(name, `the data of map '${map.name}'`, `${map.valueSize} bytes`);
    }
    if (map.structOps !== undefined) checkStructOps(map, name);
  }
  const sizes = new Map(
    maps.map((map) => [map.name, map.origin === 'arena' ? (map.data?.length ?? 0) : map.valueSize]),
  );
  for (const { name: variable, map, offset, size } of variables) {
    const room = sizes.get(map);
    if (room === undefined || offset + size > room) {
      throw malformed(name, `variable '${variable}'`, `a place inside map '${map}'`);
    }
  }
}

/** Bytes of a program's fd in the value of a struct_ops. */
const POINTER = 8;

function checkStructOps({ name: map, slots, valueSize }: MapSpec, name: string): void {
  const outside = slots.find(({ index }) => index + POINTER > valueSize);
  if (outside !== undefined) {
    throw malformed(
      name,
      `offset ${outside.index} of struct_ops '${map}'`,
      `one inside its ${valueSize} bytes`,
    );
  }
}

function checkProgram({ maps }: RelocatedObject, program: RelocatedProgram, name: string): void {
  const at = `program '${program.name}'`;
  const { instructions, funcInfo, lineInfo } = program;
  if (instructions.length === 0 || instructions.length % SLOT !== 0) {
    throw malformed(name, at, 'a whole number of instructions');
  }
  if (funcInfo.length % FUNC_INFO_SIZE !== 0 || lineInfo.length % LINE_INFO_SIZE !== 0) {
    throw malformed(name, at, 'whole func_info and line_info records');
  }
  for (const binding of program.bindings) {
    if (!holds(instructions, binding)) {
      throw malformed(name, `${at}, instruction ${binding.insn}`, `one that a ${binding.kind} goes into`);
    }
    if ('map' in binding && !maps.some((map) => map.name === binding.map)) {
      throw malformed(
        name,
        `${at}, instruction ${binding.insn}`,
        `a map of the object, not '${binding.map}'`,
      );
    }
  }
}

/** Whether an instruction has the place that a binding is written to. */
function holds(instructions: Uint8Array, { kind, insn }: Binding): boolean {
  const count = slotCount(instructions);
  if (kind === 'module-kfunc') return insn < count && isCall(instructions, insn);
  return insn + 1 < count && isLdImm64(instructions, insn);
}

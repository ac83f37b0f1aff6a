import { BpfError, nearest } from '../errors';
import { type ObjectSpec, type ProgramSpec } from '../object';
import { type Layout } from './link';
import { functionsIn, selectStructOps } from './select-struct-ops';

/** A program and where its functions lie. */
export interface SelectedProgram {
  readonly program: ProgramSpec;
  readonly layout: Layout;
}

/**
 * Most instructions of all programs of an object. Each program has a copy of the functions that it calls, so a small
 * file could ask for any amount of memory; objects that are in use have a thousandth of this.
 */
const MOST_INSTRUCTIONS = 16_000_000;

/**
 * The programs to relocate, in the object's order. Without names: those that are loaded by default. With names: these,
 * and the programs in slots of the maps that they use, without which a tail call would fall through unseen; a program
 * of a struct_ops brings along the others of the same variable, without which the kernel does not register it. The name
 * of such a variable stands for its programs.
 *
 * @throws BpfError PROGRAM_NOT_FOUND with the nearest names, PROGRAM_INVALID when all together are absurdly big
 */
export function selectPrograms(
  spec: ObjectSpec,
  names: readonly string[] | undefined,
  layoutOf: (program: ProgramSpec) => Layout,
): readonly SelectedProgram[] {
  const selected = new Map<ProgramSpec, Layout>();
  let size = 0;
  const open = names === undefined ? byDefault(spec) : namedPrograms(spec, withoutStructOps(spec, names));
  const inStructOps = functionsIn(selectStructOps(spec, names));
  open.push(...spec.programs.filter((program) => inStructOps.has(program.function)));
  for (let program = open.pop(); program !== undefined; program = open.pop()) {
    if (selected.has(program)) continue;
    const layout = layoutOf(program);
    selected.set(program, layout);
    size += layout.size;
    if (size > MOST_INSTRUCTIONS) throw tooMuch(spec, size);
    if (names !== undefined) open.push(...inSlots(spec, layout));
  }
  return spec.programs.flatMap((program) => {
    const layout = selected.get(program);
    return layout === undefined ? [] : [{ program, layout }];
  });
}

/** A program in a struct_ops variable follows that: what its own section name says does not count. */
function byDefault({ programs, maps }: ObjectSpec): ProgramSpec[] {
  const inStructOps = functionsIn(maps.filter((map) => map.structOps !== undefined));
  return programs.filter((program) => program.autoload && !inStructOps.has(program.function));
}

function withoutStructOps({ maps }: ObjectSpec, names: readonly string[]): string[] {
  return names.filter((name) => !maps.some((map) => map.structOps !== undefined && map.name === name));
}

/** @throws BpfError PROGRAM_NOT_FOUND with the nearest names */
export function namedPrograms(spec: ObjectSpec, names: readonly string[]): ProgramSpec[] {
  const known = spec.programs.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return spec.programs.filter(({ name }) => names.includes(name));
  const near = nearest(unknown, known);
  throw new BpfError('PROGRAM_NOT_FOUND', `${spec.name}: no program '${unknown}'`, {
    object: spec.name,
    program: unknown,
    expected: known.length === 0 ? 'nothing: the object has no programs' : `one of ${known.join(', ')}`,
    hint: near.length > 0 ? `did you mean ${near.join(', ')}?` : undefined,
  });
}

/** Programs in slots of the maps that a program's functions refer to, and of maps in those. */
function inSlots(spec: ObjectSpec, layout: Layout): ProgramSpec[] {
  const maps = new Set<string>();
  for (const index of layout.starts.keys()) {
    for (const reference of spec.functions[index]!.references) {
      if (reference.kind === 'map') maps.add(reference.map);
    }
  }
  const functions = new Set<number>();
  // A set is walked in the order of insertion, what is added on the way included.
  for (const name of maps) {
    for (const slot of spec.maps.find((map) => map.name === name)?.slots ?? []) {
      if ('map' in slot) maps.add(slot.map);
      else functions.add(slot.function);
    }
  }
  return spec.programs.filter((program) => functions.has(program.function));
}

function tooMuch(spec: ObjectSpec, size: number): BpfError {
  return new BpfError('PROGRAM_INVALID', `${spec.name}: its programs with the functions they call`, {
    object: spec.name,
    found: `${size} instructions or more`,
    expected: `${MOST_INSTRUCTIONS} at most`,
    hint: 'name the programs that are wanted',
  });
}

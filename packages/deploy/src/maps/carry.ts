import {
  BtfKind,
  compileConversion,
  integersOf,
  updateAtomically,
  type BpfMap,
  type Btf,
  type Conversion,
  type VariableSpec,
} from '@nx-bpf/loader';
import { type CarriedVariable } from '../manifest';
import { gain, type SummedField } from './summed';
import { type MapShape } from './shape';

/** How one variable gets from the old object to the new one. */
export interface CarryStep {
  readonly name: string;
  /** The section's map, and the variable's place in it: of the old object by its name in the deployment. */
  readonly from: Place;
  /** Of the new object by its own name, such as `.bss`. */
  readonly to: Place;
  readonly conversion: Conversion;
  /** Counters, to be added up once more; places from the start of the variable. */
  readonly summed: readonly SummedField[];
}

interface Place {
  readonly map: string;
  readonly offset: number;
  readonly size: number;
}

export interface CarryPlan {
  readonly steps: readonly CarryStep[];
  readonly problems: readonly string[];
}

/**
 * Finds each variable of the manifest's `carry` by its name in the sections of the old object and in the new one, in
 * whichever section it is now. One that is new keeps its initial value. Pure.
 *
 * @param sections the data sections' maps that are there, `name` as in the deployment
 */
export function planCarry(
  wanted: readonly CarriedVariable[],
  sections: readonly MapShape[],
  variables: readonly VariableSpec[],
  btf: Btf | undefined,
): CarryPlan {
  const problems: string[] = [];
  const before = new Map(sections.flatMap(variablesOf).map((variable) => [variable.name, variable]));
  const steps = wanted.flatMap(({ name, sum }): CarryStep[] => {
    const now = variables.find((variable) => variable.name === name);
    const old = before.get(name);
    if (now === undefined || btf === undefined || now.typeId === 0 || old === undefined) return [];
    const types = [old.type, { btf, typeId: now.typeId }] as const;
    const conversion = compileConversion(...types);
    problems.push(...conversion.problems.map((text) => `variable '${name}': ${text}`));
    const summed = sum ? summedIntegers(name, ...types, problems) : [];
    const to = { map: now.map, offset: now.offset, size: now.size };
    return [{ name, from: old.place, to, conversion, summed }];
  });
  return { steps, problems };
}

type Typed = Parameters<typeof integersOf>[0];

function summedIntegers(name: string, before: Typed, after: Typed, problems: string[]): SummedField[] {
  const [from, to] = [integersOf(before, '') ?? [], integersOf(after, '') ?? []];
  if (to.length === 0 || !to.every(({ width }) => width === 32 || width === 64)) {
    problems.push(`variable '${name}': merge: sum takes integers of 4 or 8 bytes, or arrays of them`);
    return [];
  }
  return to.slice(0, from.length).map((place, i) => ({ from: from[i]!, to: place }));
}

function variablesOf({
  name: map,
  btf,
  valueTypeId,
}: MapShape): { name: string; type: Typed; place: Place }[] {
  if (btf === undefined || valueTypeId === 0) return [];
  const section = btf.resolve(valueTypeId);
  if (btf.kind(section) !== BtfKind.DATASEC) return [];
  return Array.from({ length: btf.vlen(section) }, (_, i) => {
    const variable = btf.secVarType(section, i);
    return {
      name: btf.name(variable),
      type: { btf, typeId: btf.type(variable) },
      place: { map, offset: btf.secVarOffset(section, i), size: btf.secVarSize(section, i) },
    };
  });
}

const key = new Uint8Array(4);

/** Carries variables over, in two sweeps as entries of maps are: see `MapCopy`. */
export class VariableCarry {
  private readonly before = new Map<CarryStep, Uint8Array>();

  /** @param from and `to`: the open maps of the two objects' sections, by the names that the steps have */
  constructor(
    private readonly steps: readonly CarryStep[],
    private readonly from: ReadonlyMap<string, BpfMap>,
    private readonly to: ReadonlyMap<string, BpfMap>,
  ) {}

  /** Writes the old values into the new sections, which nothing uses yet. */
  first(): number {
    const contents = new Map<BpfMap, Uint8Array>();
    for (const step of this.steps) {
      const target = this.to.get(step.to.map);
      const old = this.read(step);
      if (target === undefined || old === undefined) continue;
      const value = contents.get(target) ?? target.raw.lookup(key)!;
      step.conversion.convert(old, value.subarray(step.to.offset, step.to.offset + step.to.size));
      contents.set(target, value);
      this.before.set(step, old);
    }
    for (const [map, value] of contents) map.raw.update(key, value);
    return this.before.size;
  }

  /** Adds what counters gained since. */
  second(): void {
    for (const [step, before] of this.before) {
      const target = this.to.get(step.to.map);
      const after = this.read(step);
      if (step.summed.length === 0 || target === undefined || after === undefined) continue;
      const operands = step.summed.map(({ from }) => gain(from, before, after));
      if (operands.every((amount) => amount === 0n)) continue;
      const fields = step.summed.map(({ to: { bitOffset, width } }) => ({
        offset: step.to.offset + bitOffset / 8,
        size: width === 64 ? (8 as const) : (4 as const),
        operation: 'add' as const,
      }));
      updateAtomically(target, fields, [{ key, operands }]);
    }
  }

  private read({ from }: CarryStep): Uint8Array | undefined {
    const value = this.from.get(from.map)?.raw.lookup(key);
    return value?.slice(from.offset, from.offset + from.size);
  }
}

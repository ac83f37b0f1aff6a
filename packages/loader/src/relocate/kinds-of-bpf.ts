import { helperNames, imm, isHelperCall, isLdImm64, slotCount } from '../asm';
import { BpfError } from '../errors';
import {
  attachTypeName,
  type MapSpec,
  mapTypeName,
  type ObjectSpec,
  type ProgramSpec,
  programTypeName,
} from '../object';
import { knownToKernel } from './known-to-kernel';
import { type Layout } from './link';
import { type Requirement } from './requirement';
import { sourceLine } from './source-line';
import { type TargetKernel } from './target';

/**
 * What of the kernel's BPF itself a program asks for: its type, its attach type, the types of the maps that it refers
 * to, and the helpers that it calls. The kernel's own types say which it has.
 */
export function kindsOfBpf(
  spec: ObjectSpec,
  program: ProgramSpec,
  layout: Layout,
  target: TargetKernel,
): Requirement[] {
  const known = knownToKernel(target.btf());
  const main = sourceLine(spec.btf, spec.functions[program.function]!, 0);
  const whole = { insn: undefined, file: main?.file, line: main?.line };
  const ask = (
    kind: string,
    name: string,
    values: ReadonlySet<number> | undefined,
    value: number,
    fatal: boolean,
  ): Requirement => {
    const state = values === undefined ? 'open' : values.has(value) ? 'found' : 'missing';
    const error =
      state === 'missing' && fatal
        ? new BpfError('PROGRAM_INVALID', `this kernel has no ${kind} ${name}`, {
            object: spec.name,
            program: program.name,
            symbol: name,
          })
        : undefined;
    return { ...whole, kind, name, state, answer: undefined, error };
  };
  const { type, attachType } = program;
  return [
    ...(type === undefined
      ? []
      : [ask('program type', programTypeName(type), known.programTypes, type, true)]),
    // 0 is an attach type too, which stands for none.
    ...(attachType === 0
      ? []
      : [ask('attach type', attachTypeName(attachType), known.attachTypes, attachType, false)]),
    ...mapsOf(spec, layout).map((map) =>
      ask('map type', `${mapTypeName(map.type)} (${map.name})`, known.mapTypes, map.type, true),
    ),
    ...helpers(spec, layout, known.helpers),
  ];
}

function mapsOf(spec: ObjectSpec, layout: Layout): MapSpec[] {
  const names = new Set(
    [...layout.starts.keys()].flatMap((index) =>
      spec.functions[index]!.references.flatMap((each) => ('map' in each ? [each.map] : [])),
    ),
  );
  return spec.maps.filter(({ name }) => names.has(name));
}

/** Each helper once if the kernel has it, every call if it does not: some may be guarded. */
function helpers(spec: ObjectSpec, layout: Layout, known: ReadonlySet<number> | undefined): Requirement[] {
  const seen = new Set<number>();
  return [...layout.starts].flatMap(([index, start]) => {
    const fn = spec.functions[index]!;
    const { instructions: insns } = fn;
    const externs = new Set(fn.references.flatMap(({ kind, insn }) => (kind === 'extern' ? [insn] : [])));
    const found: Requirement[] = [];
    for (let i = 0; i < slotCount(insns); i += isLdImm64(insns, i) ? 2 : 1) {
      if (!isHelperCall(insns, i) || externs.has(i)) continue;
      const number = imm(insns, i);
      const state = known === undefined ? 'open' : known.has(number) ? 'found' : 'missing';
      if (state !== 'missing' && seen.has(number)) continue;
      seen.add(number);
      const where = sourceLine(spec.btf, fn, i);
      const name = helperNames[number];
      found.push({
        kind: 'helper',
        name: name === undefined ? `helper ${number}` : `bpf_${name}`,
        state,
        answer: state === 'missing' ? 'this kernel does not have it' : undefined,
        error: undefined,
        insn: start + i,
        file: where?.file,
        line: where?.line,
      });
    }
    return found;
  });
}

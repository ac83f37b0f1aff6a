import { seededRandom } from '../../testing/random';
import { kernelFields } from './kernel-fields';

/** What every source begins with: no header of the system decides what is measured. */
const preamble = `
typedef unsigned int u32;
typedef unsigned long long u64;
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name
static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static u64 (*bpf_get_current_task)(void) = (void *)35;
static long (*bpf_probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;
char LICENSE[] SEC("license") = "GPL";
`;

/** Kinds of maps by number (`enum bpf_map_type`): hash, array, per-CPU hash, per-CPU array, LRU hash, ring buffer. */
const RINGBUF = 27;
const kinds = [1, 2, 5, 6, 9, RINGBUF];

function map(name: string, type: number, valueSize: number, entries: number): string {
  const sized = `__uint(type, ${type}); __uint(max_entries, ${entries});`;
  const typed =
    type === RINGBUF ? '' : ` __type(key, u32); __type(value, struct { char bytes[${valueSize}]; });`;
  return `struct { ${sized}${typed} } ${name} SEC(".maps");`;
}

/** One program, two maps, nothing to relocate but the maps. */
export function tiny(): string {
  return `${preamble}
${map('counts', 1, 8, 64)}
${map('totals', 2, 8, 1)}
SEC("socket") int tiny(void *ctx) {
  u32 zero = 0;
  u64 *count = bpf_map_lookup_elem(&counts, &zero), *total = bpf_map_lookup_elem(&totals, &zero);
  if (count && total) *total += *count;
  return 0;
}
`;
}

/** So many programs of a few instructions, no map. */
export function smallPrograms(count: number): string {
  const programs = Array.from(
    { length: count },
    (_, i) => `SEC("socket") int small_${i}(u32 *ctx) { return (ctx[0] / ${i + 3}) & ${i + 1}; }`,
  );
  return `${preamble}${programs.join('\n')}\n`;
}

/** Programs of so many instructions each, many of them behind branches that the verifier cannot decide. */
export function heavy(programs: number, instructions: number): string {
  // A block is about 14 instructions. The variables are in a section: a check whether a lookup found them would be a
  // jump over all of it, which is too far.
  const block = (i: number) =>
    `  if (a & ${1 << (i % 31)}) b += v[${i % 32}] * ${i + 3}; else v[${(i + 7) % 32}] = b ^ a; a = (a >> ${(i % 5) + 1}) + b;`;
  const blocks = Array.from({ length: Math.round(instructions / 14) }, (_, i) => block(i)).join('\n');
  const bodies = Array.from(
    { length: programs },
    (_, i) => `SEC("socket") int heavy_${i}(void *ctx) {
  u64 a = v[0], b = v[${i}];
${blocks}
  return a ^ b;
}`,
  );
  return `${preamble}volatile u64 v[32];\n${bodies.join('\n')}\n`;
}

export interface CoreShape {
  readonly programs: number;
  readonly relocations: number;
  readonly maps: number;
  /** Of how many structs of the kernel fields are read. */
  readonly types: number;
  readonly seed: number;
}

/**
 * Programs that read fields of the kernel's structs. The object's own definitions of them have the members in another
 * order, other members in between and now and then a flavour, so that no offset is right by chance.
 */
export function coreReads({ programs, relocations, maps, types, seed }: CoreShape): string {
  const random = seededRandom(seed);
  const below = (end: number): number => Math.floor(random() * end);
  const shuffled = <T>(values: readonly T[]): T[] =>
    values
      .map((value) => ({ value, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ value }) => value);

  const structs = shuffled(Object.keys(kernelFields))
    .slice(0, types)
    .map((name) => ({
      own: below(3) === 0 ? `${name}___own` : name,
      members: shuffled(kernelFields[name]!),
    }));
  const definitions = structs.map(({ own, members }) => {
    const lines = members.map(([type, name], i) => `  char gap_${i}[${below(24) + 1}]; ${type} ${name};`);
    return `struct ${own} {\n${lines.join('\n')}\n} __attribute__((preserve_access_index));`;
  });
  const fields = structs.flatMap(({ own, members }) =>
    members.map(([, member]) => `((struct ${own} *)at)->${member}`),
  );

  const definedMaps = Array.from({ length: maps }, (_, i) => {
    const type = kinds[i % kinds.length]!;
    return {
      name: `map_${i}`,
      type,
      text: map(`map_${i}`, type, 8 * (1 + (i % 4)), type === RINGBUF ? 65536 : 256),
    };
  });
  const withValues = definedMaps.filter(({ type }) => type !== RINGBUF);
  const bodies = Array.from({ length: programs }, (_, i) => {
    const [start, end] = [i, i + 1].map((n) => Math.round((relocations * n) / programs)) as [number, number];
    const reads = Array.from({ length: end - start }, (_, n) => {
      const field = fields[(start + n) % fields.length]!;
      return `  got = 0; bpf_probe_read_kernel(&got, sizeof(${field}), &${field}); sum += got; asm volatile("" : "+r"(at), "+r"(sum));`;
    });
    const counted = withValues[i % withValues.length];
    return `SEC("kprobe/bench_${i}") int reads_${i}(void *ctx) {
  u64 at = bpf_get_current_task(), got, sum = 0;
${reads.join('\n')}
${counted === undefined ? '' : `  u32 key = sum & 3; u64 *value = bpf_map_lookup_elem(&${counted.name}, &key); if (value) *value += sum;`}
  return sum & 1;
}`;
  });
  return [preamble, ...definitions, ...definedMaps.map(({ text }) => text), ...bodies, ''].join('\n');
}

import { type Socket } from 'node:dgram';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  Btf,
  ElfFile,
  parseObject,
  relocateObject,
  type BpfMap,
  type Collection,
  type Link,
  type LoadedObject,
  type ObjectSpec,
  type Program,
  type RelocatedObject,
} from '@nx-bpf/loader';
import { type ApplyInput, type makePlan, type ProjectConfig } from '@nx-bpf/deploy';
import { compile } from '../testing/compile';
import { repository } from './collect';

/** What an example may use without saying where it comes from. Examples about `edge.bpf.o` mean edge.bpf.c here. */
export interface Prelude extends PureValues, KernelValues {
  /** What a manifest says, and its compiled objects. */
  readonly config: ProjectConfig;
  readonly objects: ApplyInput['objects'];
  /** What `makePlan` compares. */
  readonly desired: Parameters<typeof makePlan>[0];
  readonly recorded: Parameters<typeof makePlan>[1];
  readonly observed: Parameters<typeof makePlan>[2];
}

/** Values that need no kernel. */
export interface PureValues {
  /** Of node:fs. */
  readonly readFileSync: typeof readFileSync;
  readonly writeFileSync: typeof writeFileSync;
  readonly statSync: typeof statSync;
  /** The bytes of an object file; its sections; its types; what it defines; the same for a kernel with `kernelBtf`. */
  readonly bytes: Uint8Array;
  readonly elf: ElfFile;
  readonly btf: Btf;
  readonly spec: ObjectSpec;
  readonly relocated: RelocatedObject;
  readonly kernelBtf: Btf;
}

/** Values that are in the kernel. */
export interface KernelValues {
  /** A loaded program that fits the hook of the example, and another to take its place. */
  readonly program: Program;
  readonly newProgram: Program;
  /** `edge.bpf.o` as `loadObject` and as `loadFile` return it, and its maps `hits` and `events`. */
  readonly loaded: LoadedObject;
  readonly collection: Collection;
  readonly map: BpfMap;
  readonly events: BpfMap;
  /** File descriptors of its program `edge_guard` and its map `hits`. */
  readonly programFd: number;
  readonly mapFd: number;
  /** An XDP program on an interface. */
  readonly link: Link;
  /** A UDP socket that is bound to a port which it shares. */
  readonly socket: Socket;
}

/** `edge.bpf.o`: what `readFileSync('edge.bpf.o')` reads where examples run. */
export function edgeObject(): Uint8Array {
  return compile(readFileSync(path.join(repository, 'tools/examples/edge.bpf.c'), 'utf8'));
}

/** As much of a kernel's types as `edge.bpf.o` asks for. */
const kernelTypes = `
typedef void (*btf_trace_sched_process_exec)(void *, void *);
btf_trace_sched_process_exec probe;
`;

export function pureValues(bytes: Uint8Array): PureValues {
  const elf = ElfFile.parse(bytes, { object: 'edge.bpf.o' });
  const kernelBtf = typesOf(ElfFile.parse(compile(kernelTypes), { object: 'kernel.o' }));
  const spec = parseObject(bytes, { name: 'edge' });
  return {
    ...{ readFileSync, writeFileSync, statSync },
    ...{ bytes, elf, spec, kernelBtf },
    btf: typesOf(elf),
    relocated: relocateObject(spec, { btf: () => kernelBtf }),
  };
}

function typesOf(elf: ElfFile): Btf {
  return Btf.parse(elf.section('.BTF')!.data);
}

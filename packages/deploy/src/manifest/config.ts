import { type WrittenHeaders } from './headers';
import { type FeatureName, type HookName, type HookOptions } from './hooks';
import { type Origin } from './located';

/** What a project is to be in one environment: every layer merged, checked, paths absolute, units resolved. */
export interface ProjectConfig {
  /** Absolute. */
  readonly workspaceRoot: string;
  /** Name: the directory of its pins. */
  readonly project: string;
  /** Absolute. */
  readonly projectRoot: string;
  readonly environment: string;
  /** Every environment there is, sorted. */
  readonly environments: readonly string[];
  /** SHA-256 of the merged manifest, the same in every checkout: a change of any value changes it. */
  readonly revision: string;
  readonly toolchain: ToolchainConfig;
  readonly pin: PinConfig;
  readonly deploy: DeployConfig;
  readonly privileges: PrivilegesConfig;
  /** What programs are verified for, by name. */
  readonly kernels: Readonly<Record<string, KernelConfig>>;
  readonly objects: Readonly<Record<string, ObjectConfig>>;
  readonly maps: Readonly<Record<string, MapConfig>>;
  readonly programs: Readonly<Record<string, ProgramConfig>>;
  /** Structs of the kernel that programs implement, by the ids of what attaches them. */
  readonly structOps: Readonly<Record<string, StructOpsConfig>>;
  /** What programs are run on to verify them, in the order of their names. */
  readonly runs: readonly RunConfig[];
  /** Once variants are chosen for a host: which, by program. */
  readonly choices?: Readonly<Record<string, VariantChoice>>;
  /** Where each value comes from, by its path: `programs.edge_guard.attach.uplink.xdp.interface`. */
  readonly origins: Readonly<Record<string, Origin>>;
  /** The manifest files that were read, absolute. */
  readonly files: readonly string[];
}

export interface ToolchainConfig {
  /** Name to look up in PATH, or an absolute path. */
  readonly clang: string;
  readonly mcpu: 'v1' | 'v2' | 'v3' | 'v4';
  /** Checked flags; include directories in them are absolute. */
  readonly cflags: readonly string[];
  readonly vmlinux: VmlinuxSource;
}

/** What vmlinux.h is made from; paths are absolute. */
export type VmlinuxSource =
  | { readonly kind: 'kernel' }
  | { readonly kind: 'btf'; readonly path: string }
  | { readonly kind: 'header'; readonly path: string };

export interface PinConfig {
  /** Absolute path on a bpf file system. */
  readonly root: string;
  /** Mode of directories; a pin gets `mode & 0o666`. */
  readonly mode: number;
}

export interface DeployConfig {
  readonly keepGenerations: number;
  readonly lockTimeoutMs: number;
  /** What is built must be what the lock file says. */
  readonly requireLock: boolean;
  /** Public keys of minisign: a bundle has to be signed with one of them; none: it need not be. */
  readonly signedBy: readonly string[];
}

/** Who does what needs rights, where the calling user has none. Paths are absolute, and root's. */
export interface PrivilegesConfig {
  /** Nobody, or the helper: through sudo, or behind a socket of systemd. */
  readonly helper: 'none' | 'sudo' | 'socket';
  /** The program that runs the helper. */
  readonly node: string;
  /** Where it is installed: it has `node_modules/@nx-bpf/deploy`. */
  readonly installation: string;
  /** Where it listens. */
  readonly socket: string;
}

/** An absolute path, the name of a Debian package in which * stands for anything, or the running kernel. */
export type KernelTypesSource =
  { readonly file: string } | { readonly package: string } | { readonly running: true };

/** Absolute path of a kernel that is booted, or the name of a Debian package, perhaps with `*`. */
export type KernelImageSource = { readonly file: string } | { readonly package: string };

/** A kernel that programs are verified for. */
export interface KernelConfig {
  /** Where its types are. */
  readonly btf: KernelTypesSource;
  /** What is booted at level vm; undefined: the package that its types come from. */
  readonly image: KernelImageSource | undefined;
  /** Absolute path of the directory with the modules of an image that is a file, lib/modules/RELEASE. */
  readonly modules: string | undefined;
  /** Absolute path of its configuration. */
  readonly config: string | undefined;
  /** It is an error if a program is not for it. */
  readonly required: boolean;
}

export interface ObjectConfig {
  /** Absolute path of the C file. */
  readonly source: string;
  /** Values of global constants: numbers, bigints, strings, booleans, arrays, objects. */
  readonly constants: Readonly<Record<string, unknown>>;
  /** Variables of `.data` and `.bss` that keep their values when the object changes; sorted. */
  readonly carry: readonly CarriedVariable[];
  readonly cflags: readonly string[];
  /** Absolute directories. */
  readonly includes: readonly string[];
}

export interface CarriedVariable {
  readonly name: string;
  /** What the old one gains until nothing uses it any more is added to the new one. */
  readonly sum: boolean;
}

/** `path`: an absolute path of a pin; `shared`: with other projects, declared in the root file. */
export type MapPin = 'none' | 'project' | 'shared' | { readonly path: string };

export interface MapConfig {
  /** undefined: as the object defines it. */
  readonly maxEntries: number | undefined;
  readonly pin: MapPin;
  readonly migrate: 'refuse' | 'recreate' | 'copy';
  /** Only of `migrate: copy`. */
  readonly copy: CopyConfig;
  /** Not removed unless forced. */
  readonly protect: boolean;
  readonly contents: ContentsConfig | undefined;
  /** Named only in the root file, for every project: no error if none of this project's objects has it. */
  readonly optional: boolean;
}

export interface CopyConfig {
  /** Fields whose values may be lost, as `stats.errors`; true for any. */
  readonly allowDropped: true | readonly string[];
  /** Fields that programs count in; `value` is a value that is one integer. Sorted. */
  readonly sum: readonly string[];
}

/** Entries that a map is to have. */
export interface ContentsConfig {
  readonly mode: 'merge' | 'exact' | 'seed';
  /** Absolute path of a YAML or JSON file, or the entries themselves. */
  readonly from: { readonly file: string } | { readonly values: unknown };
}

export interface ProgramConfig {
  readonly object: string;
  readonly function: string;
  readonly attach: readonly AttachEntry[];
  /** Alternatives, of which the first that holds on the host takes the place of the three above; none: there are no others. */
  readonly variants: readonly VariantConfig[];
  /** Left out where none of the variants holds. */
  readonly optional: boolean;
  readonly budgets: BudgetConfig;
}

/** A variable of `.struct_ops.link` or `.struct_ops`, with all programs that it holds, which the kernel is to use. */
export interface StructOpsConfig {
  readonly object: string;
  /** Name of the variable, which is that of the map. */
  readonly map: string;
  /** Left out where the kernel does not have the struct, or no links of them. */
  readonly optional: boolean;
}

/** What verifying a program may take. */
export interface BudgetConfig {
  /** Most instructions that the verifier walks. */
  readonly insns: number | undefined;
  /** Per cent more than is recorded. */
  readonly deltaPct: number | undefined;
}

/** A program, what it is run on, and what is expected of it. */
export interface RunConfig {
  readonly name: string;
  /** By the manifest. */
  readonly program: string;
  readonly packet: PacketConfig | undefined;
  /** Fields of its context, or the arguments of a raw tracepoint. */
  readonly context: Readonly<Record<string, unknown>> | readonly unknown[] | undefined;
  readonly repeat: number;
  /** Entries that maps have beforehand, beside their contents, by map. */
  readonly maps: Readonly<Record<string, unknown>>;
  readonly expect: RunExpectation;
}

/** What is left undefined or empty may be anything. */
export interface RunExpectation {
  /** A number of 32 bits, signed or not, or a name. */
  readonly return: number | string | undefined;
  readonly output: PacketConfig | undefined;
  /** Entries by map. */
  readonly maps: Readonly<Record<string, unknown>>;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Hex digits, the absolute path of a file, or headers that it is put together from. */
export type PacketConfig =
  { readonly hex: string } | { readonly file: string } | { readonly headers: WrittenHeaders };

/** One alternative of a program. */
export interface VariantConfig {
  readonly name: string;
  readonly when: VariantConditions;
  readonly object: string;
  readonly function: string;
  readonly attach: readonly AttachEntry[];
}

/** What must hold on a host, all of it; nothing always holds. */
export interface VariantConditions {
  /** The kernel loads and attaches programs of this hook. */
  readonly hook?: HookName | undefined;
  /** A key of the loader's features. */
  readonly feature?: FeatureName | undefined;
  /** `>=6.6` or `<6.6`. */
  readonly kernel?: string | undefined;
  /** The kernel, or a module that is loaded, has this function. */
  readonly function?: string | undefined;
  /** `CONFIG_X=y`; `=n`: it is not set. */
  readonly kconfig?: string | undefined;
}

/** Which variant of a program is used on a host. */
export interface VariantChoice {
  /** Null: none holds, and the program is left out. */
  readonly variant: string | null;
  /** The variants before it, in their order, with what does not hold of each. */
  readonly passedOver: readonly { readonly variant: string; readonly unmet: readonly string[] }[];
}

/** One attachment: a hook and its options. */
export interface AttachEntry {
  /** Unique in the project: the name of the link's pin. */
  readonly id: string;
  readonly optional: boolean;
  /** On a hook that cannot switch a link in place: whether the new one comes before the old one goes. */
  readonly replace: 'make-before-break' | 'gap';
  /** Name or path of a network namespace; null: that of this process. */
  readonly netns: string | null;
  readonly hook: HookName;
  /** As the table of hooks has them: what is required is there. */
  readonly options: HookOptions;
}

/** A struct_ops as something attached, through a link or without: what it runs is a map. */
export interface StructOpsEntry {
  readonly id: string;
  readonly optional: boolean;
  readonly replace: 'make-before-break';
  readonly netns: null;
  readonly hook: 'struct_ops';
  readonly options: {
    /** Name of the kernel's struct. */
    readonly struct: string;
    /** Whether a link holds it; else it is registered until it is unregistered. */
    readonly link: boolean;
  };
}

/** What a link, or what stands for one, is made from. */
export type LinkEntry = AttachEntry | StructOpsEntry;

/** What holds for a map that the manifest does not name. */
export const defaultMap: MapConfig = {
  maxEntries: undefined,
  pin: 'project',
  migrate: 'refuse',
  copy: { allowDropped: [], sum: [] },
  protect: false,
  contents: undefined,
  optional: false,
};

/** A name as bpffs takes it: dots become underscores (`edge.rodata` is pinned as `edge_rodata`). */
export function pinName(name: string): string {
  return name.replaceAll('.', '_');
}

/**
 * Where a value of the manifest was written, or the nearest thing around it: for errors found later, such as a
 * program that its object does not have.
 *
 * @param path keys, joined by dots; what follows `attach` is an entry's id
 * @returns undefined if nothing around it was written (it is all default)
 *
 * @example
 * ```ts
 * at(config, 'objects.edge.constants.sample_rate'); // { file: 'bpf.config.yaml', line: 12, column: 20, layer: ... }
 * ```
 */
export function at(config: Pick<ProjectConfig, 'origins'>, path: string): Origin | undefined {
  const origin = config.origins[path];
  if (origin !== undefined && origin.layer !== 'default') return origin;
  const dot = path.lastIndexOf('.');
  return dot < 0 ? undefined : at(config, path.slice(0, dot));
}

/** What the manifest wants of an object, sorted: functions that are programs, and variables that are structs of them. */
export function wantedOf(
  { programs, structOps }: Pick<ProjectConfig, 'programs' | 'structOps'>,
  object: string,
): string[] {
  const of = <T extends { readonly object: string }>(all: Readonly<Record<string, T>>): T[] =>
    Object.values(all).filter((each) => each.object === object);
  return [
    ...new Set([...of(programs).map((each) => each.function), ...of(structOps).map(({ map }) => map)]),
  ].sort();
}

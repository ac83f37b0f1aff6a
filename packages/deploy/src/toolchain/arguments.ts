import path from 'node:path';
import { type ObjectConfig, type ProjectConfig } from '../manifest';
import { architectureFlags } from './architecture';
import { type Clang } from './find-clang';

/** What one object is compiled with. */
export interface CompileInputs {
  readonly config: Pick<ProjectConfig, 'workspaceRoot' | 'toolchain'>;
  readonly object: ObjectConfig;
  readonly clang: Clang;
  /** Directory that holds vmlinux.h, absolute; undefined if there is none. */
  readonly vmlinux: string | undefined;
}

/**
 * The arguments of clang, source and outputs apart. It runs in the workspace's root and all paths inside are relative
 * to it, so neither messages nor objects depend on where the workspace is: BTF holds the name of the source, also if
 * clang was given a relative one, hence the two options about directories.
 */
export function compilerArguments({ config, object, clang, vmlinux }: CompileInputs): string[] {
  const { workspaceRoot, toolchain } = config;
  const relative = (file: string): string => relativeTo(workspaceRoot, file);
  const includes = [...object.includes, ...(vmlinux === undefined ? [] : [vmlinux])];
  return [
    // From clang 16 on a machine's configuration files could add flags.
    ...(clang.version >= 16 ? ['--no-default-config'] : []),
    ...architectureFlags(),
    '-g',
    '-O2',
    ...[...toolchain.cflags, ...object.cflags].map((flag) => relativeFlag(flag, relative)),
    ...includes.map((directory) => `-I${relative(directory)}`),
    `-mcpu=${toolchain.mcpu}`,
    '-fno-ident',
    '-fno-addrsig',
    '-fdebug-compilation-dir=.',
    `-ffile-prefix-map=${workspaceRoot}=.`,
  ];
}

/** Include directories come absolute from the manifest. */
function relativeFlag(flag: string, relative: (file: string) => string): string {
  const match = /^(-I|-isystem|-iquote)(\/.*)$/s.exec(flag);
  return match ? `${match[1]}${relative(match[2]!)}` : flag;
}

/** A path of the workspace as clang sees it; `.` for the workspace itself. */
export function relativeTo(workspaceRoot: string, file: string): string {
  return path.relative(workspaceRoot, file) || '.';
}

/** Directories of an argument list in which clang looks for headers, as written. */
export function includeDirectories(args: readonly string[]): string[] {
  return args.flatMap((arg) => /^(?:-I|-isystem|-iquote|-idirafter)(.+)$/s.exec(arg)?.[1] ?? []);
}

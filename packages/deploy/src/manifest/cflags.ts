import { insideWorkspace } from './paths';

/**
 * Flags that a manifest may give to clang. It is an allow-list: a flag that runs code in the compiler (-Xclang -load,
 * -fplugin), moves its output (-o, -MF), reads flags from elsewhere (@file, -include) or changes what is compiled (-x)
 * stays out, and so does every flag nobody thought of.
 */
const allowed: readonly RegExp[] = [
  /^-w$/,
  /^-pedantic(-errors)?$/,
  // No comma: -Wl, -Wa, and -Wp, pass arguments on to other tools.
  /^-W[A-Za-z0-9][A-Za-z0-9+=-]*$/,
  /^-D[A-Za-z_]\w*(=[^\n]*)?$/,
  /^-U[A-Za-z_]\w*$/,
  /^-O[123sz]$/,
  /^-std=(c|gnu)\d[0-9a-z]$/,
  /^-f(no-)?(builtin|color-diagnostics|common|inline|jump-tables|ms-extensions|stack-protector|strict-aliasing|unroll-loops|vectorize|slp-vectorize|wrapv)$/,
  /^-f(no-builtin-\w+|freestanding|short-enums|signed-char|unsigned-char)$/,
  /^-mlittle-endian$|^-mbig-endian$/,
];

const include = /^(-I|-isystem|-iquote)(.*)$/s;

/** A flag that clang may be given, include directories absolute; or why it is refused. */
export type CheckedFlag = { readonly flag: string } | { readonly problem: string };

/**
 * Checks one flag of a manifest.
 *
 * @param base directory that an include directory is relative to
 *
 * @example
 * ```ts
 * checkFlag('/ws', '/ws', '-Wall'); // { flag: '-Wall' }
 * checkFlag('/ws', '/ws', '-fplugin=x.so'); // { problem: '...' }
 * ```
 */
export function checkFlag(workspaceRoot: string, base: string, flag: string): CheckedFlag {
  const directory = include.exec(flag);
  if (directory) {
    const [, option, relative] = directory;
    if (relative === '') return { problem: `flag '${flag}' without its directory: write ${flag}<directory>` };
    const checked = insideWorkspace(workspaceRoot, base, relative!);
    return 'path' in checked ? { flag: `${option}${checked.path}` } : checked;
  }
  if (allowed.some((pattern) => pattern.test(flag))) return { flag };
  const own = /^(-mcpu|-target|--target|-g|-c|-o|-M)/.test(flag) ? ', nx-bpf sets it itself' : '';
  return {
    problem: `flag '${flag}' is not allowed${own}: allowed are -W..., -D..., -U..., -I..., -O..., -std=... and some -f...`,
  };
}

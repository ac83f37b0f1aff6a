/**
 * The house: the rooms of each package, in the order in which an object passes through them.
 * A room imports only from rooms above it. This table is what the lint rule, and nothing else, holds.
 */
export const house = {
  loader: {
    root: 'packages/loader/src',
    rooms: [
      'errors',
      'bytes',
      'elf',
      'btf',
      'asm',
      'object',
      'relocate',
      'kernel',
      'load',
      'attach',
      'runtime',
    ],
    /** Bytes and values in, values out: no file, no syscall, no root. */
    pure: ['errors', 'bytes', 'elf', 'btf', 'asm', 'object', 'relocate'],
    /** The only rooms that may call foreign functions. */
    native: ['kernel'],
    packages: ['koffi'],
  },
  deploy: {
    root: 'packages/deploy/src',
    rooms: [
      'manifest',
      'toolchain',
      'types',
      'cache',
      'bundle',
      'privileges',
      'state',
      'maps',
      'plan',
      'apply',
      'machine',
      'verify',
      'report',
      'page',
      'cli',
    ],
    pure: [],
    native: [],
    packages: ['@nx-bpf/loader', 'commander', 'picocolors', 'tar', 'yaml', 'zod'],
    /** Types alone, for the compiler: nothing is there at run time. */
    typePackages: ['sarif'],
  },
  plugin: {
    root: 'packages/plugin/src',
    rooms: ['graph', 'executors', 'generators'],
    pure: [],
    native: [],
    packages: ['@nx-bpf/deploy', '@nx/devkit', 'yaml'],
  },
};

/** Modules of Node that compute and touch nothing outside: allowed in a pure room. */
export const pureModules = ['node:crypto', 'node:util'];

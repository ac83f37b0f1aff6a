import { existsSync } from 'node:fs';
import { SetupError, isRoot, run, which } from './command.mjs';

/**
 * What this workspace needs of the system: the Debian packages that provide it, the best first, and how to see
 * that it is there, from whatever source.
 */
const compiling = [
  {
    debian: ['clang-19', 'clang'],
    why: 'compiles the BPF programs',
    present: () => which('clang-19') ?? which('clang'),
  },
  {
    debian: ['libbpf-dev'],
    why: 'the headers bpf/bpf_helpers.h and bpf/bpf_core_read.h',
    present: () => existsSync('/usr/include/bpf/bpf_core_read.h'),
  },
  { debian: ['iproute2'], why: 'makes the network of the dev environment', present: () => which('ip') },
];

const headerPlaces = ['/usr/include', '/usr/include/x86_64-linux-gnu', '/usr/include/aarch64-linux-gnu'];

const testing = [
  {
    debian: ['clang-19'],
    why: 'the compiler that the tests are written for',
    present: () => which('clang-19'),
  },
  {
    debian: ['llvm-19'],
    why: 'llvm-objcopy-19, which strips and changes the objects of some tests',
    present: () => which('llvm-objcopy-19'),
  },
  {
    debian: ['lld-19'],
    why: 'the linker of the binaries that tests trace',
    present: () => which('ld.lld-19'),
  },
  {
    debian: ['systemtap-sdt-dev'],
    why: 'sys/sdt.h, for the probes in those binaries',
    present: () => headerPlaces.some((place) => existsSync(`${place}/sys/sdt.h`)),
  },
  {
    debian: ['zstd'],
    why: 'the images of newer kernels are compressed with it',
    present: () => which('zstd'),
  },
  {
    debian: ['lz4'],
    why: 'compresses what a test of kernel images reads',
    present: () => which('lz4'),
  },
  {
    debian: ['bpftool'],
    why: 'the loader that the tests compare ours with',
    present: () => which('bpftool'),
  },
  {
    debian: ['strace'],
    why: 'shows the tests which system calls are made',
    present: () => which('strace'),
  },
  {
    debian: ['sudo'],
    why: 'lets a user of the tests call the privileged helper',
    present: () => which('sudo'),
  },
  {
    debian: ['minisign'],
    why: 'signs the bundles whose signatures are checked',
    present: () => which('minisign'),
  },
  {
    debian: ['qemu-system-x86'],
    why: 'runs the kernels that the tests boot',
    present: () => which('qemu-system-x86_64'),
  },
  {
    debian: ['busybox-static'],
    why: 'what a booted kernel runs first',
    present: () => which('busybox'),
  },
  {
    debian: ['iputils-ping'],
    why: 'sends the packets of the tutorial',
    present: () => which('ping'),
  },
  {
    debian: ['chromium'],
    why: 'opens the pages that nx-bpf writes, and takes pictures of them',
    present: () => which('chromium'),
  },
  {
    debian: ['xz-utils'],
    why: 'unpacks the modules of those kernels',
    present: () => which('xz'),
  },
];

/** Installs through apt what is missing. Returns what it did. */
export function installPackages({ forTests = false } = {}) {
  const missing = [...(forTests ? testing : []), ...compiling].filter((need) => !need.present());
  if (missing.length === 0) return [];
  if (!isRoot || !which('apt-get')) throw new SetupError(explain(missing));

  const environment = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  run('apt-get', ['update', '-qq'], environment);
  const names = [...new Set(missing.map(({ debian }) => debian.find(isCandidate) ?? debian[0]))];
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], environment);

  const still = missing.filter((need) => !need.present());
  if (still.length > 0) throw new SetupError(explain(still));
  return [`installed ${names.join(', ')}`];
}

/** Whether apt knows a version of a package that it could install. */
function isCandidate(name) {
  return /Candidate: (?!\(none\))/.test(run('apt-cache', ['policy', name]));
}

function explain(missing) {
  const names = [...new Set(missing.map(({ debian }) => debian[0]))];
  const lines = missing.map(({ debian, why }) => `  ${debian.join(' or ')}: ${why}`);
  return [
    'Missing on this machine:',
    ...lines,
    which('apt-get')
      ? `Install with: sudo apt-get install ${names.join(' ')}`
      : "Install them with your distribution's package manager (the names are Debian's).",
  ].join('\n');
}

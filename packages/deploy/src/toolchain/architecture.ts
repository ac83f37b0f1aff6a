import fs from 'node:fs';
import os from 'node:os';

/** What a machine is called elsewhere, by Node's name of it. */
interface Architecture {
  /** `__TARGET_ARCH_*`: what libbpf's bpf_tracing.h wants to know, the kernel's name of the architecture. */
  readonly kernel: string;
  /** Debian's multiarch triplet: <asm/types.h> is in /usr/include/<triplet>. */
  readonly triplet: string;
}

const architectures: Readonly<Partial<Record<NodeJS.Architecture, Architecture>>> = {
  x64: { kernel: 'x86', triplet: 'x86_64-linux-gnu' },
  arm64: { kernel: 'arm64', triplet: 'aarch64-linux-gnu' },
  arm: { kernel: 'arm', triplet: 'arm-linux-gnueabihf' },
  loong64: { kernel: 'loongarch', triplet: 'loongarch64-linux-gnu' },
  ppc64: { kernel: 'powerpc', triplet: 'powerpc64le-linux-gnu' },
  riscv64: { kernel: 'riscv', triplet: 'riscv64-linux-gnu' },
  s390x: { kernel: 's390', triplet: 's390x-linux-gnu' },
};

/** Flags that tell C which machine it will run on. */
export function architectureFlags(architecture: NodeJS.Architecture = process.arch): string[] {
  const known = architectures[architecture];
  const target = `--target=${os.endianness() === 'LE' ? 'bpfel' : 'bpfeb'}`;
  if (known === undefined) return [target];
  const system = `/usr/include/${known.triplet}`;
  return [
    target,
    `-D__TARGET_ARCH_${known.kernel}`,
    // Last of all directories: it is only for <asm/types.h>, which <linux/types.h> includes.
    ...(fs.existsSync(system) ? [`-idirafter${system}`] : []),
  ];
}

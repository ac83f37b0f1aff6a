import { spawnSync } from 'node:child_process';

/**
 * The kernel packages of this machine's processor that apt knows, sorted by version: every point release, and full,
 * cloud and rt images of each. Of a package that there is signed and unsigned, the signed one: the kernel is the same.
 */
export function knownKernelPackages(): string[] {
  const machine = process.arch === 'x64' ? 'amd64' : process.arch;
  const { stdout, error } = spawnSync('apt-cache', ['pkgnames', 'linux-image-'], { encoding: 'utf8' });
  if (error !== undefined) throw new Error('this benchmark takes its kernels from apt, which is not here');
  const pattern = new RegExp(`^linux-image-\\d+\\.\\d+\\.\\d+.*-${machine}$`);
  const names = stdout.split('\n').filter((name) => pattern.test(name));
  // A name may be known from what other packages depend on, without a package of it.
  const available = spawnSync('apt-cache', ['madison', ...names], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const offered = new Set(available.stdout.split('\n').map((line) => line.split('|')[0]!.trim()));
  const { compare } = new Intl.Collator('en', { numeric: true });
  return names.filter((name) => offered.has(name)).sort(compare);
}

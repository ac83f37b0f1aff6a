import { type LockedKernel } from '../bundle';
import { type ProjectConfig } from '../manifest';
import { packagedKernel } from './debian-package';

/**
 * The packages of the kernels that a project is verified for, those of types and those that are booted, as apt has them
 * now, by their names in the manifest: downloaded, if they are not in the cache.
 *
 * @throws BpfError FILE
 */
export function kernelPackages(
  { kernels }: ProjectConfig,
  note: (text: string) => void,
): Readonly<Record<string, LockedKernel>> {
  const sources = Object.values(kernels).flatMap(({ btf, image }) => [btf, image]);
  const patterns = sources.flatMap((source) =>
    source !== undefined && 'package' in source ? [source.package] : [],
  );
  return Object.fromEntries(
    [...new Set(patterns)].sort().map((pattern) => {
      const { package: name, version, sha256 } = packagedKernel(pattern, note);
      return [pattern, { package: name, version, sha256 }];
    }),
  );
}

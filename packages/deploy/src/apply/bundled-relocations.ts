import { decodeRelocated, kernelBtfBytes, objectDigest } from '@nx-bpf/loader';
import { type OpenBundle } from '../bundle';
import { type RelocationCache } from '../cache';
import { relocationKey } from './relocate-cached';

/**
 * Lets a bundle's relocations for the running kernel answer in place of the cache, for this deployment alone: the kernel
 * is that of the manifest's name if its types are the same.
 *
 * @returns name of the kernel; undefined if the bundle has none for this one
 * @throws BpfError RELOCATED_MALFORMED, which a bundle that passed its checks does not have
 */
export function takeBundledRelocations(cache: RelocationCache, bundle: OpenBundle): string | undefined {
  if (bundle.relocations.length === 0) return undefined;
  const running = objectDigest(kernelBtfBytes());
  const ours = bundle.relocations.filter(({ btf }) => btf === running);
  for (const { object, programs, bytes } of ours) {
    const { sha256: digest } = bundle.objects.find(({ name }) => name === object)!;
    cache.offer(relocationKey({ name: object, digest }, programs), decodeRelocated(bytes));
  }
  return ours[0]?.kernel;
}

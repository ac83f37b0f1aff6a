import { Errno } from '../errno';
import { closeFd } from '../fd';
import { rememberedVerdict, rememberVerdict } from '../remembered-verdicts';

/** Something that a kernel has or does not have, and how to find out. */
export interface Feature {
  /** As a message names it. */
  readonly name: string;
  /** The version of Linux that brought it; distributions take features into older ones. */
  readonly since: string;
  /** Asks the kernel. undefined: the answer says nothing, for want of a capability or of memory. */
  readonly probe: () => boolean | undefined;
}

const verdicts = new Map<Feature, boolean>();

/**
 * Whether the running kernel has a feature. Each is asked for only when something depends on it, and once: in a
 * process, and where {@link keepKernelKnowledge} named a folder, for a build of the kernel. An answer that says nothing
 * is not kept.
 *
 * @example
 * ```ts
 * if (hasFeature(features.btfEnum64) === false) console.log('Linux before 6.0');
 * ```
 */
export function hasFeature(feature: Feature): boolean | undefined {
  const known = verdicts.get(feature) ?? rememberedVerdict(feature.name);
  if (known !== undefined) return known;
  const verdict = feature.probe();
  if (verdict !== undefined) {
    verdicts.set(feature, verdict);
    rememberVerdict(feature.name, verdict);
  }
  return verdict;
}

/** How kernels refuse attributes, types, kinds and helpers that they do not know. */
const refusals: ReadonlySet<number> = new Set([Errno.EINVAL, Errno.E2BIG, Errno.EOPNOTSUPP, Errno.ENOTSUPP]);

/** The verdict of a system call that makes something, which is let go again. */
export function verdictOf(result: number): boolean | undefined {
  if (result >= 0) {
    closeFd(result);
    return true;
  }
  return refusals.has(-result) ? false : undefined;
}

/** Runs a probe with a file descriptor that it needs; without one there is no verdict. */
export function withFd(fd: number, probe: (fd: number) => boolean | undefined): boolean | undefined {
  if (fd < 0) return undefined;
  try {
    return probe(fd);
  } finally {
    closeFd(fd);
  }
}

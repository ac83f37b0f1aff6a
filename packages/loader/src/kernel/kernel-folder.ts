let folder: string | undefined;

/**
 * Names the folder where this process keeps what it finds out about the running kernel, by the kernel's build id: an
 * index of its types, and which features it has. Without one nothing is kept beyond the process. A folder that others
 * can write is not used.
 *
 * @param path of the folder, which is made when there is something to keep; undefined: none
 *
 * @example
 * ```ts
 * keepKernelKnowledge('known');
 * runningKernel().btf();
 * keepKernelKnowledge(undefined);
 * ```
 */
export function keepKernelKnowledge(path: string | undefined): void {
  folder = path;
}

/** The folder, as it was named last. */
export function kernelFolder(): string | undefined {
  return folder;
}

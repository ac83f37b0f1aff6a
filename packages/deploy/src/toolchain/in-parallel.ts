import os from 'node:os';

/**
 * Runs a task for each item, as many at a time as there are processors. All are run to their end, also after one has
 * failed.
 *
 * @returns results in the order of the items
 */
export async function inParallel<T, R>(
  items: readonly T[],
  task: (item: T, index: number) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      const [result] = await Promise.allSettled([task(items[index]!, index)]);
      results[index] = result!;
    }
  };
  await Promise.all(Array.from({ length: Math.min(os.availableParallelism(), items.length) }, worker));
  return results;
}

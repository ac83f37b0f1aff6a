import { getHeapStatistics } from 'node:v8';

/** So often a time is measured before it is believed: the first run compiles code. */
const tries = 3;

/** The least processor time, in ms, that something takes: what other processes take does not count. */
export async function processorTime(run: () => void | Promise<void>, enough: number): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < tries && least > enough; i++) {
    const before = process.cpuUsage();
    try {
      await run();
    } catch {
      // It is what it cost that matters here.
    }
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

/** Bytes that the engine of JavaScript has given out: collected ones count until they are collected. */
export function heldBytes(): number {
  const { used_heap_size: heap, external_memory: outside } = getHeapStatistics();
  return heap + outside;
}

import { BpfError } from '@nx-bpf/loader';

let failure: NodeJS.ErrnoException | undefined;
let watched = false;

/**
 * Writes to standard output and waits until it is taken, so that a long output is never piled up in memory.
 *
 * @returns false once nobody reads any more (`nx-bpf map dump ... | head`): then there is no more to do
 * @throws BpfError FILE when it cannot be written, as on a full disk
 */
export async function writeOut(text: string): Promise<boolean> {
  if (!watched) {
    watched = true;
    process.stdout.on('error', (error) => (failure ??= error));
  }
  if (failure === undefined && text !== '' && !process.stdout.write(text)) {
    await drained();
  }
  // An error of the write is told in the next turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  if (failure === undefined) return true;
  if (failure.code === 'EPIPE') return false;
  throw new BpfError('FILE', 'standard output cannot be written', { hint: failure.message }, failure);
}

/** Until there is room again, or nobody reads any more. */
function drained(): Promise<void> {
  const ends = ['drain', 'close', 'error'];
  return new Promise((resolve) => {
    const end = (): void => {
      for (const name of ends) process.stdout.off(name, end);
      resolve();
    };
    for (const name of ends) process.stdout.on(name, end);
  });
}

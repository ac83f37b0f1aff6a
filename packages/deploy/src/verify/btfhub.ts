import { BpfError } from '@nx-bpf/loader';
import { tar } from '../toolchain';
import { decompress } from './decompress';

/**
 * The BTF in a file of BTFHub's archive: `<release>.btf.tar.xz`, which holds one file `<release>.btf`.
 *
 * @throws BpfError FILE for an archive without one
 */
export async function readBtfHub(bytes: Uint8Array, name: string): Promise<Uint8Array> {
  const { Parser } = tar();
  const parts: Buffer[] = [];
  let problem: unknown;
  await new Promise<void>((resolve) => {
    const parser = new Parser({
      strict: true,
      onReadEntry: (entry) => {
        if (entry.path.endsWith('.btf')) entry.on('data', (part: Buffer) => parts.push(part));
        else entry.resume();
      },
    });
    parser.on('end', resolve);
    parser.on('error', (error) => {
      problem = error;
      resolve();
    });
    parser.end(Buffer.from(decompress(bytes, name)));
  });
  if (problem === undefined && parts.length > 0) return Buffer.concat(parts);
  throw new BpfError(
    'FILE',
    `${name} has no .btf file in it`,
    { path: name, expected: 'an archive as BTFHub has them, with the types of one kernel' },
    problem,
  );
}

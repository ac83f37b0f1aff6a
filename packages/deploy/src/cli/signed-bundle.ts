import fs from 'node:fs';
import { BpfError } from '@nx-bpf/loader';
import {
  checkSignature,
  openBundle,
  readBundleFile,
  readSigningKey,
  type OpenBundle,
  type Signer,
  type SigningKey,
} from '../bundle';
import { type Request } from './request';

/** A bundle that was checked, with what it was checked against. */
export interface CheckedBundle {
  readonly bundle: OpenBundle;
  readonly bytes: Uint8Array;
  /** Text of its signature, if it has one. */
  readonly signature: string | undefined;
}

/**
 * Opens a bundle: first its signature is held against the keys that the caller trusts, and only then is it read. A
 * bundle's own manifest may ask for a signature as well; but who can write a bundle can write that, so keys that come
 * from there guard against mistakes alone.
 *
 * @throws BpfError SIGNATURE_MISSING, SIGNATURE_INVALID, BUNDLE_INVALID, FILE
 */
export async function openSigned(
  file: string,
  { signature: given, signedBy = [] }: Pick<Request, 'signature' | 'signedBy'>,
  note: (text: string) => void,
): Promise<CheckedBundle> {
  const bytes = readBundleFile(file);
  const signature = readSignature(given ?? `${file}.minisig`, given !== undefined);
  const check = (keys: readonly SigningKey[]): Signer => {
    if (signature !== undefined) return checkSignature(file, bytes, signature, keys);
    const ids = keys.map(({ id }) => id).join(' or ');
    throw new BpfError(
      'SIGNATURE_MISSING',
      `${file} has to be signed by ${ids}, and there is no ${file}.minisig`,
      {
        path: file,
        hint: `minisign -S -m ${file} signs it; --signature names a signature that is elsewhere`,
      },
    );
  };
  if (signedBy.length > 0) signedText(check(signedBy.map(readKey)), note);
  const bundle = await openBundle(file, bytes);
  try {
    const { signedBy: named } = bundle.config.deploy;
    if (signedBy.length === 0 && named.length > 0) {
      signedText(check(named.map(readSigningKey)), note);
      note('the bundle itself names this key; --signed-by says which one you trust');
    } else if (signedBy.length === 0 && given !== undefined) {
      throw new BpfError('USAGE', `--signature ${given}: no key says whose it has to be`, {
        hint: '--signed-by takes a public key of minisign, or a file with one',
      });
    }
    return { bundle, bytes, signature };
  } catch (error) {
    bundle.close();
    throw error;
  }
}

function signedText({ id, comment }: Signer, note: (text: string) => void): void {
  note(`signed by ${id}: ${comment}`);
}

/** A key as text, or the file that it is in. */
function readKey(text: string): SigningKey {
  return readSigningKey(fs.existsSync(text) ? fs.readFileSync(text, 'utf8') : text);
}

function readSignature(file: string, required: boolean): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (cause) {
    if (!required && (cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const why = (cause as Error).message;
    throw new BpfError('FILE', `signature ${file} cannot be read: ${why}`, { path: file }, cause);
  }
}

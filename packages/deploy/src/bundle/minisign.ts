import { createHash, createPublicKey, verify } from 'node:crypto';
import { BpfError } from '@nx-bpf/loader';

/** Sizes in bytes, of https://jedisct1.github.io/minisign/ (Signature format, Public key format). */
const idSize = 8;
const keySize = 32;
const signatureSize = 64;

/** A DER SubjectPublicKeyInfo of Ed25519 up to its 32 bytes (RFC 8410, section 4). */
const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex');

/** A public key of minisign. */
export interface SigningKey {
  /** As minisign prints it: 16 upper-case hexadecimal digits. */
  readonly id: string;
  /** Ed25519, 32 bytes. */
  readonly bytes: Uint8Array;
}

/** What a good signature says. */
export interface Signer {
  /** Of the key that made it. */
  readonly id: string;
  /** Its trusted comment, which is signed too. */
  readonly comment: string;
}

/**
 * A public key as minisign writes it: the base64 text by itself (`RWQ...`), or a file with a comment above it.
 *
 * @throws BpfError SIGNATURE_INVALID for a text that is no such key
 *
 * @example
 * ```ts
 * readSigningKey('RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3').id; // 'E7620F1842B4E81F'
 * ```
 */
export function readSigningKey(text: string): SigningKey {
  const line = text
    .split('\n')
    .map((each) => each.trim())
    .find((each) => each !== '' && !each.startsWith('untrusted comment:'));
  const bytes = decode(line ?? '', 2 + idSize + keySize);
  if (bytes?.toString('latin1', 0, 2) !== 'Ed') {
    throw new BpfError('SIGNATURE_INVALID', `'${shorten(text)}' is no public key of minisign`, {
      expected: '56 characters of base64 that start with RW',
      hint: 'minisign -G makes a pair of keys; the public one is in minisign.pub',
    });
  }
  return { id: idText(bytes.subarray(2, 2 + idSize)), bytes: new Uint8Array(bytes.subarray(2 + idSize)) };
}

/**
 * Holds bytes against a signature of minisign (`minisign -S`): Ed25519 over their BLAKE2b-512, and Ed25519 over that
 * signature and the trusted comment.
 *
 * @param name of what is signed, for messages
 * @param signature text of the `.minisig` file
 * @param keys those that are trusted
 * @throws BpfError SIGNATURE_INVALID: it is no signature, by none of these keys, or not of these bytes
 */
export function checkSignature(
  name: string,
  bytes: Uint8Array,
  signature: string,
  keys: readonly SigningKey[],
): Signer {
  const invalid = (problem: string, fields: { found?: string; expected?: string } = {}): BpfError =>
    new BpfError('SIGNATURE_INVALID', `the signature of ${name} does not hold: ${problem}`, {
      path: name,
      ...fields,
      hint: 'nothing was done; get the bundle and its signature again from where they were made',
    });
  const lines = signature.split('\n').map((line) => line.replace(/\r$/, ''));
  const own = decode(lines[1] ?? '', 2 + idSize + signatureSize);
  const whole = decode(lines[3] ?? '', signatureSize);
  const comment = /^trusted comment: (.*)$/s.exec(lines[2] ?? '')?.[1];
  if (!lines[0]!.startsWith('untrusted comment: ') || own === undefined || whole === undefined)
    throw invalid('it is not a signature of minisign');
  if (comment === undefined) throw invalid('it has no trusted comment');
  if (own.toString('latin1', 0, 2) !== 'ED')
    throw invalid('it is of the old kind, over the bytes themselves', { expected: 'minisign -S without -l' });
  const id = idText(own.subarray(2, 2 + idSize));
  const key = keys.find((each) => each.id === id);
  if (key === undefined) {
    throw invalid('it is by a key that is not trusted here', {
      found: id,
      expected: keys.map((each) => each.id).join(' or '),
    });
  }
  const ed25519 = createPublicKey({
    key: Buffer.concat([ed25519Prefix, key.bytes]),
    format: 'der',
    type: 'spki',
  });
  const body = own.subarray(2 + idSize);
  const digest = createHash('blake2b512').update(bytes).digest();
  if (!verify(null, digest, ed25519, body)) throw invalid(`it is not of these bytes, or not by key ${id}`);
  if (!verify(null, Buffer.concat([body, Buffer.from(comment)]), ed25519, whole))
    throw invalid('its trusted comment was changed');
  return { id, comment };
}

/** Base64 of exactly so many bytes. */
function decode(text: string, size: number): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === size && bytes.toString('base64') === text ? bytes : undefined;
}

/** A little-endian number. */
function idText(bytes: Buffer): string {
  return bytes.readBigUInt64LE(0).toString(16).toUpperCase().padStart(16, '0');
}

function shorten(text: string): string {
  const line = text.trim();
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}

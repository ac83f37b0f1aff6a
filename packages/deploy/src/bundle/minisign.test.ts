import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkSignature, readSigningKey, type SigningKey } from './minisign';

let base = '';
const minisign = (...args: string[]): string => execFileSync('minisign', args, { encoding: 'utf8' });
const at = (name: string): string => path.join(base, name);
const read = (name: string): string => fs.readFileSync(at(name), 'utf8');
const bytes = Buffer.from('what is signed');
let key: SigningKey;
let other: SigningKey;
let signature = '';

/** What the program itself makes is what is checked here. */
beforeAll(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-minisign-'));
  for (const name of ['own', 'other']) minisign('-G', '-W', '-p', at(`${name}.pub`), '-s', at(`${name}.key`));
  [key, other] = [readSigningKey(read('own.pub')), readSigningKey(read('other.pub').split('\n')[1]!)];
  fs.writeFileSync(at('file'), bytes);
  minisign('-S', '-W', '-s', at('own.key'), '-m', at('file'), '-t', 'release 7');
  signature = read('file.minisig');
});
afterAll(() => fs.rmSync(base, { recursive: true }));

function failure(action: () => unknown): BpfError {
  try {
    action();
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('no error');
}

test('a signature of minisign holds; its key and trusted comment are told as minisign tells them', () => {
  const signer = checkSignature('file', bytes, signature, [other, key]);
  expect(signer.comment).toBe('release 7');
  expect(read('own.pub')).toContain(signer.id);
  expect(minisign('-V', '-p', at('own.pub'), '-m', at('file'))).toContain(
    `Trusted comment: ${signer.comment}`,
  );
});

test('files of every size up to 300 bytes: as minisign says', () => {
  for (const size of [0, 1, 63, 64, 127, 128, 129, 300]) {
    const content = Buffer.alloc(size, size);
    fs.writeFileSync(at('sized'), content);
    minisign('-S', '-W', '-s', at('own.key'), '-m', at('sized'));
    expect(checkSignature('sized', content, read('sized.minisig'), [key]).id).toBe(key.id);
  }
});

test('a changed byte of what is signed, or of the signature, anywhere', () => {
  const changed = Buffer.from(bytes);
  changed[3]! ^= 1;
  expect(failure(() => checkSignature('file', changed, signature, [key])).message).toMatch(
    /not of these bytes/,
  );
  const start = signature.indexOf('\n') + 1;
  for (let i = start; i < signature.trimEnd().length; i++) {
    const text = Buffer.from(signature);
    text[i]! ^= 1;
    expect(failure(() => checkSignature('file', bytes, text.toString('latin1'), [key])).code).toBe(
      'SIGNATURE_INVALID',
    );
  }
});

test('another key, and another key under the same number', () => {
  const error = failure(() => checkSignature('file', bytes, signature, [other]));
  expect(error).toMatchObject({ code: 'SIGNATURE_INVALID', fields: { found: key.id, expected: other.id } });
  const pretended = { ...other, id: key.id };
  expect(failure(() => checkSignature('file', bytes, signature, [pretended])).message).toMatch(
    /not of these bytes, or not by key/,
  );
});

test('the old kind of signature, and what is none', () => {
  minisign('-S', '-l', '-W', '-s', at('own.key'), '-m', at('file'), '-x', at('old'));
  expect(failure(() => checkSignature('file', bytes, read('old'), [key])).message).toMatch(/of the old kind/);
  for (const text of [
    '',
    '\n\n\n',
    'untrusted comment: x\nabc\n',
    signature.split('\n').slice(0, 2).join('\n'),
  ])
    expect(failure(() => checkSignature('file', bytes, text, [key])).code).toBe('SIGNATURE_INVALID');
});

test.each(['', 'RWQ', 'untrusted comment: x\n', `RW${'A'.repeat(55)}`, 'x'.repeat(56)])(
  'no key: %j',
  (text) => {
    expect(failure(() => readSigningKey(text)).message).toMatch(/is no public key of minisign/);
  },
);

import { parseUsdtArguments } from '../../../packages/loader/src/attach/usdt-arguments';
import { parseUserPlace } from '../../../packages/loader/src/attach/user-place';
import { EM_AARCH64, EM_X86_64, parseVersioned } from '../../../packages/loader/src/elf';
import { textMutator } from '../mutate/text';
import { type Target } from '../target';

const operands = [
  '-4@%edi 8@-8(%rbp) 4@$7',
  '8@16(%rdi,%rsi,8) -2@%ax 8f@%xmm0',
  '-4@w0 8@[x29, -8] 4@7',
  '8@[sp] 1@x3',
  '8@(%rax,%rbx) -1@$-0x7f',
  '',
  'libc.so.6:fork@@GLIBC_2.34+0x10',
];

export const usdt: Target = {
  name: 'usdt',
  what: 'the text of USDT arguments, and of places in binaries',
  rooms: ['x86-64', 'AArch64', 'place'],
  sources: ['packages/loader/src/attach/usdt-arguments.ts'],
  seeds: () => operands.map((text) => new Uint8Array(Buffer.from(text))),
  mutate: textMutator([
    '@',
    '%',
    '$',
    '(',
    ')',
    '[',
    ']',
    ',',
    '8@',
    '-4@',
    '%rip',
    'x30',
    'sp',
    '0x',
    'f',
    '+',
    ':',
    '#',
  ]),
  run(input, past) {
    const text = Buffer.from(input).toString('utf8');
    [EM_X86_64, EM_AARCH64].forEach((machine, room) => {
      try {
        parseUsdtArguments(text, machine);
        past(room);
      } catch (error) {
        if ((error as { code?: string }).code !== 'USDT_UNSUPPORTED') throw error;
      }
    });
    parseVersioned(text);
    parseUserPlace(text);
    past(2);
  },
};

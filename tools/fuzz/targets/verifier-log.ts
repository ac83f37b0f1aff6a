import { verifierHint } from '../../../packages/loader/src/load/verifier-hints';
import { readVerdict } from '../../../packages/loader/src/load/verifier-log';
import { readVerifierStats } from '../../../packages/loader/src/load/verifier-stats';
import { textMutator } from '../mutate/text';
import { verifierLogs } from '../seeds/verifier-logs';
import { type Target } from '../target';

export const verifierLog: Target = {
  name: 'verifier-log',
  what: 'logs of the verifier',
  rooms: ['statistics', 'verdict', 'with registers', 'hint'],
  sources: ['verifier-log', 'verifier-stats', 'verifier-hints'].map(
    (name) => `packages/loader/src/load/${name}.ts`,
  ),
  seeds: () => verifierLogs.map((text) => new Uint8Array(Buffer.from(text))),
  mutate: textMutator([
    'R1',
    'R0=',
    'goto pc+1',
    '; ',
    '(',
    ')',
    '((',
    'insn 3',
    'Reason:',
    '(85) call',
    '7: ',
    'frame1: ',
    'scalar(',
    'w1',
    'r10',
    '\n  ',
  ]),
  run(input, past) {
    const lines = Buffer.from(input).toString('utf8').split('\n');
    readVerifierStats(lines);
    past(0);
    const verdict = readVerdict(lines);
    if (verdict === undefined) return;
    past(1);
    if (verdict.registers.length > 0) past(2);
    if (verifierHint(verdict.reason) !== undefined) past(3);
  },
};

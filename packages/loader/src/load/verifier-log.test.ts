import { expect, test } from 'vitest';
import { verifierHint } from './verifier-hints';
import { readVerdict } from './verifier-log';

const statistics =
  'processed 8 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0';

test('the reason is what follows the last instruction', () => {
  const log = [
    '0: R1=ctx() R10=fp0',
    '; long *value = bpf_map_lookup_elem(&hits, &key); @ one.bpf.c:4',
    '0: (b4) w1 = 1                        ; R1=1',
    '6: (85) call bpf_map_lookup_elem#1    ; R0=map_value_or_null(id=1,map=m,ks=4,vs=8)',
    '8: (7b) *(u64 *)(r0 +0) = r1',
    "R0 invalid mem access 'map_value_or_null'",
    statistics,
  ];
  expect(readVerdict(log)).toEqual({
    reason: "R0 invalid mem access 'map_value_or_null'",
    insn: 8,
    instruction: '(7b) *(u64 *)(r0 +0) = r1',
    registers: ['R0=map_value_or_null(id=1,map=m,ks=4,vs=8)', 'R1=1'],
    suggestion: undefined,
  });
});

test('registers: the state before, with parentheses in it, and old kernels with suffixes', () => {
  const log = [
    '3: (0f) r1 += r2   ; R1_w=map_value(off=0,ks=4,vs=8,var_off=(0x0; 0xff)) R2=scalar(umax=255)',
    '4: (71) r0 = *(u8 *)(r1 +0)',
    'R1 unbounded memory access, make sure to bounds check any such access',
  ];
  expect(readVerdict(log)?.registers).toEqual(['R1=map_value(off=0,ks=4,vs=8,var_off=(0x0; 0xff))']);
});

test('several lines of one message are kept together', () => {
  const log = [
    '1: (71) r0 = *(u8 *)(r1 +4)',
    'invalid access to packet, off=4 size=1, R1(id=0,off=4,r=0)',
    'R1 offset is outside of the packet',
    statistics,
  ];
  expect(readVerdict(log)?.reason).toBe(
    'invalid access to packet, off=4 size=1, R1(id=0,off=4,r=0); R1 offset is outside of the packet',
  );
});

test('a message behind a jump, followed by states, names its own instruction', () => {
  const log = [
    '2: (61) r1 = *(u32 *)(r10 -4)         ; R1=0 R10=fp0',
    '6: (56) if w1 != 0xffffffff goto pc-5 infinite loop detected at insn 2',
    'cur state: R1=scalar() R10=fp0 fp-8=mmmm????',
    'old state: R1=scalar() R10=fp0 fp-8=mmmm????',
    statistics,
  ];
  expect(readVerdict(log)).toMatchObject({ reason: 'infinite loop detected at insn 2', insn: 2 });
});

test('a state behind a jump is no message', () => {
  const log = [
    '6: (56) if w1 != 0xffffffff goto pc-5 2: R1=scalar(smin=0) R10=fp0',
    '7: (bf) r0 = r7',
    'R7 !read_ok',
    statistics,
  ];
  expect(readVerdict(log)).toMatchObject({ reason: 'R7 !read_ok', insn: 7 });
});

test('the frame of the callee is passed over', () => {
  const log = [
    '8: (85) call pc+1',
    'caller:',
    ' R10=fp0 fp-8=mmmm????',
    'callee:',
    ' frame1: R1=map_value_or_null(id=1) R10=fp0',
    '10: frame1: R1=map_value_or_null(id=1) R10=fp0',
    '10: (79) r0 = *(u64 *)(r1 +0)',
    "R1 invalid mem access 'map_value_or_null'",
    statistics,
  ];
  expect(readVerdict(log)).toMatchObject({ insn: 10, registers: ['R1=map_value_or_null(id=1)'] });
});

test('a complaint about the whole program', () => {
  expect(
    readVerdict(['jump out of range from insn 1 to 22', 'processed 0 insns (limit 1000000)']),
  ).toMatchObject({
    reason: 'jump out of range from insn 1 to 22',
    insn: 1,
    instruction: undefined,
  });
  const tooLarge = ['3: (b7) r0 = 0', 'BPF program is too large. Processed 1000001 insn', statistics];
  expect(readVerdict(tooLarge)?.reason).toBe('BPF program is too large. Processed 1000001 insn');
});

test('the format with labels, as kernels from 7.3 write it', () => {
  const log = [
    '8: (7b) *(u64 *)(r0 +0) = r1',
    'Verification failed: invalid memory access',
    "Reason: R0 is of type 'map_value_or_null'",
    'Suggestion: check for NULL',
  ];
  expect(readVerdict(log)).toMatchObject({
    reason: "R0 is of type 'map_value_or_null'",
    insn: 8,
    suggestion: 'check for NULL',
  });
});

test('the whole report of kernels from 7.3: texts are below their headings', () => {
  const log = [
    '0: R1=ctx() R10=fp0',
    '0: (bf) r0 = r7',
    'R7 !read_ok',
    '',
    'Verification failed: Register Type Safety: Unreadable register',
    '',
    'Reason:',
    '  R7 has never been initialized on this path,',
    '  so the verifier cannot use it as an input.',
    '',
    'At:',
    '  insn 0',
    '        | ^-- error: R7 is not readable',
    '  Instruction context:',
    '  >>> 0 | (bf) r0 = r7',
    '      1 | (95) exit',
    '',
    'Causal path:',
    '  no retained diagnostic events on this path',
    '',
    'Suggestion:',
    '  Initialize R7 on every path before this instruction.',
    '',
    statistics,
  ];
  expect(readVerdict(log)).toEqual({
    reason: 'R7 has never been initialized on this path, so the verifier cannot use it as an input.',
    insn: 0,
    instruction: '(bf) r0 = r7',
    registers: [],
    suggestion: 'Initialize R7 on every path before this instruction.',
  });
  const withoutReason = log.filter((line) => !line.includes('on this path') && !line.includes('as an input'));
  expect(readVerdict(withoutReason)?.reason).toBe('Register Type Safety: Unreadable register');
});

test('no message, no verdict', () => {
  expect(readVerdict([])).toBeUndefined();
  expect(readVerdict([statistics])).toBeUndefined();
  expect(readVerdict(['0: R1=ctx() R10=fp0', '0: (b7) r0 = 0', statistics])).toBeUndefined();
});

test('hints for what happens most', () => {
  expect(verifierHint("R0 invalid mem access 'map_value_or_null'")).toContain('NULL');
  expect(verifierHint('cannot call GPL-restricted function from non-GPL compatible program')).toContain(
    'GPL',
  );
  expect(verifierHint('something new')).toBeUndefined();
});

/** Logs as kernels from 5.10 to 7.3 write them, shortened. */
export const verifierLogs: readonly string[] = [
  `func#0 @0
Live regs before insn:
  0: .1........ (b7) r2 = 0
0: R1=ctx() R10=fp0
; int key = 0; @ edge.bpf.c:12
0: (b7) r2 = 0                        ; R2_w=0
1: (63) *(u32 *)(r10 -4) = r2         ; R2_w=0 R10=fp0 fp-8=0000????
2: (bf) r2 = r10
3: (07) r2 += -4
4: (18) r1 = 0xffff888103b4d400       ; R1_w=map_ptr(map=hits,ks=4,vs=8)
6: (85) call bpf_map_lookup_elem#1    ; R0=map_value_or_null(id=1,map=hits,ks=4,vs=8)
; return *value; @ edge.bpf.c:14
7: (79) r0 = *(u64 *)(r0 +0)
R0 invalid mem access 'map_value_or_null'
verification time 57 usec
stack depth 8+16
processed 7 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 mark_read 0
`,
  `0: R1=ctx(off=0,imm=0) R10=fp0
0: (61) r2 = *(u32 *)(r1 +0)          ; R1=ctx(off=0,imm=0) R2_w=pkt(off=0,r=0,imm=0)
1: (71) r0 = *(u8 *)(r2 +14)
invalid access to packet, off=14 size=1, R2(id=0,off=14,r=0)
R2 offset is outside of the packet
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`,
  `from 3 to 5: frame1: R0=scalar(smin=0,smax=umax=255,var_off=(0x0; 0xff)) R10=fp0
5: frame1: R0=scalar(id=2,smin=smin32=0) R10=fp0
5: (25) if r0 > 0x3f goto pc+3        ; frame1: R0=scalar(umax=63)
mark_precise: frame1: last_idx 5 first_idx 3 subseq_idx -1
regs=1 stack=0 before 4: (57) r0 &= 255
propagating r0
6: (05) goto pc-4 infinite loop detected at insn 2
cur state: R0=scalar() R10=fp0
old state: R0=scalar() R10=fp0
processed 7 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 mark_read 0
`,
  `0: (95) exit
R0 !read_ok
Verification failed: program reads a register that has no value
Reason: R0 has no value at insn 0
  on the way from the start
At: insn 0 (exit)
Suggestion: give it one
  before the program ends
processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`,
  `Validating helper() func#1...
22: R1=scalar() R10=fp0
Func#1 ('helper') is safe for any args that match its prototype
arg#0 reference type('UNKNOWN ') size cannot be determined: -22
Global function helper() doesn't return scalar. Only those are supported.
`,
  'unreachable insn 4\n',
  'BPF program is too large. Processed 1000001 insn\n',
];

import { createHash } from 'node:crypto';
import { programCode } from '@nx-bpf/loader';

/** BPF_JMP | BPF_CALL of include/uapi/linux/bpf_common.h. */
const CALL = 0x85;

/**
 * SHA-256 of a program as the verifier left it. The targets of calls do not count: bpf_insn_prepare_dump() shows them
 * as addresses or as zero, as the caller's rights are.
 *
 * @returns null where the instructions may not be seen: without CAP_PERFMON, or with net.core.bpf_jit_harden=2
 * @throws BpfError SYSCALL_FAILED
 */
export function translatedDigest(fd: number): string | null {
  const { instructions } = programCode(fd);
  if (instructions.length === 0) return null;
  const plain = instructions.slice();
  for (let at = 0; at + 8 <= plain.length; at += 8) {
    if (plain[at] === CALL) plain.fill(0, at + 4, at + 8);
  }
  return createHash('sha256').update(plain).digest('hex');
}

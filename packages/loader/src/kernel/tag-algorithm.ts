import { tag } from '../asm';
import { BpfError } from '../errors';
import { closeFd } from './fd';
import { failure } from './failure';
import { programInfo } from './program-info';
import { programLoad } from './programs';

export type TagAlgorithm = 'sha1' | 'sha256';

let known: TagAlgorithm | undefined;

/** r0 = 0; exit. As a socket filter any process that may load programs can load it. */
const probe = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
const BPF_PROG_TYPE_SOCKET_FILTER = 1;

/**
 * How the running kernel computes the tag of a program: from SHA-1 up to Linux 6.17, from SHA-256 since 6.18. Found
 * out once per process, by loading two instructions.
 *
 * @throws BpfError PRIVILEGE_MISSING or PROGRAM_LOAD_FAILED
 *
 * @example
 * ```ts
 * tag(programCode(programFd).instructions, tagAlgorithm()).length; // 16
 * ```
 */
export function tagAlgorithm(): TagAlgorithm {
  known ??= probeTag();
  return known;
}

function probeTag(): TagAlgorithm {
  const { result: fd } = programLoad({
    prog_type: BPF_PROG_TYPE_SOCKET_FILTER,
    insns: probe,
    insn_cnt: probe.length / 8,
    license: 'GPL',
  });
  if (fd < 0) throw failure('load a probe program', fd, { code: 'PROGRAM_LOAD_FAILED', needs: ['CAP_BPF'] });
  try {
    const found = programInfo(fd).tag;
    const algorithm = (['sha256', 'sha1'] as const).find((name) => tag(probe, name) === found);
    if (algorithm === undefined) {
      throw new BpfError('INTERNAL', "the kernel computes programs' tags in a way that is not known here", {
        found,
        expected: `${tag(probe, 'sha256')} or ${tag(probe, 'sha1')}`,
      });
    }
    return algorithm;
  } finally {
    closeFd(fd);
  }
}

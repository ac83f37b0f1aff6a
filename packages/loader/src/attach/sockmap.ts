import { BpfError } from '../errors';
import { closeFd, Errno, linkCreate, openPin } from '../kernel';
import { AttachType, ProgramType } from '../object';
import { sockmapCauses } from './causes';
import { attached } from './failure';
import { Link } from './link';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';

export interface SkMsgOptions {
  /** The sockmap or sockhash, or the path of its pin. */
  readonly map: { readonly fd: number } | string;
}

/** What a program of a sockmap does to streams that come in; one of each can be there. */
const skSkbTypes = {
  stream_parser: AttachType.sk_skb_stream_parser,
  stream_verdict: AttachType.sk_skb_stream_verdict,
  verdict: AttachType.sk_skb_verdict,
} as const;

export interface SkSkbOptions extends SkMsgOptions {
  /** By default what the program's section says (`sk_skb/verdict`). A map has a stream_verdict or a verdict. */
  readonly type?: keyof typeof skSkbTypes | undefined;
}

/** The names of what {@link attachSkSkb} can be told. */
export const skSkbTypeNames = Object.keys(skSkbTypes);

/**
 * Attach a program to what is sent on the sockets of a sockmap (Linux 6.10). A socket has the program that the map has
 * when the socket is put into it: attach first.
 *
 * @throws BpfError PIN_NOT_FOUND, ATTACH_CONFLICT when the map has such a program, PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachSkMsg(program, { map: collection.map('sockets') });
 * ```
 */
export function attachSkMsg(program: AttachableProgram, options: SkMsgOptions): Link {
  requireType(program, 'sk_msg', [ProgramType.sk_msg]);
  return attachToSockmap(program, 'sk_msg', AttachType.sk_msg_verdict, options);
}

/**
 * Attach a program to what comes in on the sockets of a sockmap (Linux 6.10), as {@link attachSkMsg} does.
 *
 * @throws BpfError PIN_NOT_FOUND, ATTACH_CONFLICT when the map has such a program, PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachSkSkb(program, { map: '/sys/fs/bpf/sockets', type: 'verdict' });
 * ```
 */
export function attachSkSkb(program: AttachableProgram, options: SkSkbOptions): Link {
  requireType(program, 'sk_skb', [ProgramType.sk_skb]);
  return attachToSockmap(program, 'sk_skb', skSkbType(program, options), options);
}

function skSkbType(program: AttachableProgram, { type }: SkSkbOptions): number {
  if (type !== undefined) return skSkbTypes[type];
  const known: readonly number[] = Object.values(skSkbTypes);
  if (known.includes(program.attachType ?? 0)) return program.attachType!;
  throw new BpfError('ATTACH_FAILED', `program '${program.name}': attach to sk_skb: no type is given`, {
    program: program.name,
    expected: skSkbTypeNames.join(', '),
    hint: "give it as the option type, or in the program's section: sk_skb/verdict",
  });
}

function attachToSockmap(
  program: AttachableProgram,
  hook: string,
  attachType: number,
  { map }: SkMsgOptions,
): Link {
  if (typeof map === 'string') {
    const fd = openPin(map, 'map');
    try {
      return linkToMap(program, `${hook} on the map at ${map}`, attachType, fd);
    } finally {
      closeFd(fd);
    }
  }
  return linkToMap(program, `${hook} on a map`, attachType, map.fd);
}

function linkToMap(program: AttachableProgram, where: string, attachType: number, map: number): Link {
  const result = linkCreate({ prog_fd: program.fd, target: map, attach_type: attachType });
  const attempt = {
    program,
    where,
    needs: ['CAP_NET_ADMIN'],
    causes: sockmapCauses,
    conflicts: [Errno.EBUSY],
  } as const;
  return new Link(attached(result, attempt), where);
}

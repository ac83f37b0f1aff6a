import { BpfError } from '../errors';
import {
  allIds,
  Errno,
  linkCreate,
  linkInfo,
  networkInterfaces,
  programInfo,
  withObject,
  type NetworkInterface,
  type XdpAttachment,
} from '../kernel';
import { AttachType, ProgramType } from '../object';
import { xdpCauses } from './causes';
import { attachFailed, type Attempt } from './failure';
import { interfaceText, onInterface, type InterfaceTarget } from './interfaces';
import { Link } from './link';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';

/** `XDP_FLAGS_DRV_MODE` and `XDP_FLAGS_SKB_MODE` of include/uapi/linux/if_link.h. */
const modeFlags = { native: 4, generic: 2 } as const;

type Mode = keyof typeof modeFlags;

export interface XdpOptions extends InterfaceTarget {
  /**
   * `native`: in the driver, before a packet is allocated. `generic`: behind it, on any interface. `auto`, the
   * default: native where the driver can, else generic; the link's `mode` says which it became.
   */
  readonly mode?: 'auto' | Mode | undefined;
}

/**
 * A link of an XDP program, which knows the mode it ended in.
 *
 * @example
 * ```ts
 * const link = attachXdp(program, { interface: 'eth0', mode: 'generic' });
 * link.mode; // 'generic'
 * link.close();
 * ```
 */
export class XdpLink extends Link {
  constructor(
    fd: number,
    where: string,
    readonly mode: Mode,
  ) {
    super(fd, where);
  }
}

/** Errors that another mode would meet too. */
const notAboutTheDriver: readonly number[] = [
  Errno.EBUSY,
  Errno.EEXIST,
  Errno.EPERM,
  Errno.EACCES,
  Errno.EBADF,
  Errno.ENODEV,
];

/**
 * Attach an XDP program to a network interface (Linux 5.9).
 *
 * @throws BpfError INTERFACE_NOT_FOUND, ATTACH_CONFLICT when another program is on the interface (it names that
 *   program), PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachXdp(program, { interface: 'eth0', mode: 'auto' });
 * link.mode; // 'native'
 * link.pin('/sys/fs/bpf/guard-link');
 * ```
 */
export function attachXdp(program: AttachableProgram, options: XdpOptions): XdpLink {
  requireType(program, 'xdp', [ProgramType.xdp]);
  const { mode = 'auto' } = options;
  return onInterface(options, (device) => {
    const first: Mode = mode === 'auto' ? 'native' : mode;
    let became = first;
    let result = create(program, device, first);
    if (mode === 'auto' && result < 0 && !notAboutTheDriver.includes(-result)) {
      became = 'generic';
      result = create(program, device, became);
    }
    const where = `xdp on ${interfaceText(options)} (${became})`;
    const attempt: Attempt = { program, where, needs: ['CAP_NET_ADMIN'], causes: xdpCauses };
    if (result === -Errno.EBUSY || result === -Errno.EEXIST) throw conflict(attempt, device, result);
    if (result < 0) throw attachFailed(attempt, result);
    return new XdpLink(result, where, became);
  });
}

function create(program: AttachableProgram, device: NetworkInterface, mode: Mode): number {
  return linkCreate({
    prog_fd: program.fd,
    target: device.index,
    attach_type: AttachType.xdp,
    flags: modeFlags[mode],
  });
}

/** An interface runs one XDP program; the error says whose it is. */
function conflict(attempt: Attempt, device: NetworkInterface, errno: number): BpfError {
  const current = networkInterfaces().find((entry) => entry.index === device.index);
  const holders = (current?.xdp ?? []).map((holder) => holderText(device, holder));
  const { program, where } = attempt;
  return new BpfError(
    'ATTACH_CONFLICT',
    `program '${program.name}': attach to ${where}: another XDP program is there`,
    {
      program: program.name,
      symbol: device.name,
      errno: errno === -Errno.EBUSY ? 'EBUSY' : 'EEXIST',
      ...(holders.length > 0 && { found: holders.join(' and ') }),
      hint: 'an interface runs one XDP program, in native or in generic mode: detach that one, or update its link to this program',
    },
  );
}

function holderText(device: NetworkInterface, { mode, programId }: XdpAttachment): string {
  const name = quietly(() => withObject('program', programId, (fd) => programInfo(fd).name));
  const link = quietly(() => linkOf(device.index, programId));
  const program = name === undefined ? `program ${programId}` : `program ${programId} '${name}'`;
  const by =
    link === undefined
      ? `no link holds it: \`ip link set dev ${device.name} xdp off\` removes it`
      : `held by link ${link}`;
  return `${program} (${mode}, ${by})`;
}

function linkOf(ifindex: number, programId: number): number | undefined {
  return allIds('link').find((id) =>
    withObject('link', id, (fd) => {
      const info = linkInfo(fd);
      return info.programId === programId && info.target.kind === 'xdp' && info.target.ifindex === ifindex;
    }),
  );
}

/** Programs and links by id need CAP_SYS_ADMIN: without it the message has less to tell. */
function quietly<T>(ask: () => T | undefined): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}

import { BpfError } from '../errors';
import {
  closeFd,
  Fd,
  features,
  hasFeature,
  ioctl,
  linkCreate,
  PerfIoctl,
  perfEventProgram,
  type PerfEventProgram,
} from '../kernel';
import { AttachType } from '../object';
import { type Attachment } from './attachment';
import { attached, type Attempt } from './failure';
import { Link } from './link';

/**
 * A program on a perf event that no link holds: what there is before Linux 5.15. It cannot be pinned, and
 * ends with this process.
 *
 * @example
 * ```ts
 * const link = attachKprobe(program, { function: 'do_unlinkat', mode: 'perf' });
 * link instanceof EventLink; // true
 * ```
 */
export class EventLink implements Attachment {
  readonly hook: string;
  private readonly owned: Fd;

  /** @param onClose what goes once the event is closed */
  constructor(
    fd: number,
    private readonly event: { readonly hook: string; readonly where: string; readonly onClose: () => void },
  ) {
    this.owned = new Fd(fd, 'perf event');
    this.hook = event.hook;
  }

  /**
   * The program and its place, as the kernel tells it (Linux 4.18); undefined without CAP_SYS_ADMIN.
   *
   * @throws BpfError INTERNAL after close()
   */
  info(): PerfEventProgram | undefined {
    return perfEventProgram(this.owned.number);
  }

  describe(): string {
    return this.event.where;
  }

  /** @throws BpfError ATTACH_FAILED always: attach the new program, then close this */
  update(): never {
    throw this.without('update');
  }

  /** @throws BpfError PIN_FAILED always */
  pin(path: string): never {
    throw this.without('pin', path);
  }

  /** @throws BpfError ATTACH_FAILED always, as for links of perf events: close it */
  detach(): never {
    throw this.without('detach');
  }

  close(): void {
    if (!this.owned.open) return;
    this.owned.close();
    this.event.onClose();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private without(what: keyof typeof instead, path?: string): BpfError {
    return new BpfError(
      what === 'pin' ? 'PIN_FAILED' : 'ATTACH_FAILED',
      `${this.describe()}: ${what}: the program is on a perf event, and no link holds it`,
      { path, hint: instead[what] },
    );
  }
}

const instead = {
  pin: 'links of perf events came with Linux 5.15: before, the program runs as long as this process does',
  update: 'attach the new program, then close this',
  detach: 'programs on perf events detach when they are closed',
} as const;

/** A perf event that is to run a program. */
export interface EventPlace {
  readonly fd: number;
  readonly hook: string;
  /** As asked for; undefined: a link where the kernel has such links. An event that is to be removed has none. */
  readonly by: 'link' | 'ioctl' | undefined;
  readonly cookie: bigint | undefined;
  /** What goes once the event is closed. */
  readonly onClose?: (() => void) | undefined;
}

/**
 * A link of a perf event (Linux 5.15). The event's fd is closed: the link holds the event by itself.
 *
 * @throws BpfError as the attempt says; nothing of the event is left then
 */
export function linkEvent(fd: number, cookie: bigint | undefined, attempt: Attempt): Link {
  try {
    const result = linkCreate(
      { prog_fd: attempt.program.fd, target: fd, attach_type: AttachType.perf_event },
      'perf_event',
      { bpf_cookie: cookie },
    );
    return new Link(attached(result, attempt), attempt.where);
  } finally {
    closeFd(fd);
  }
}

/**
 * Puts a program on a perf event, with a link where the kernel has such links. The event's fd goes over to what holds
 * the program, or is closed.
 *
 * @throws BpfError as the attempt says; nothing of the event is left then
 */
export function attachEvent(place: EventPlace, attempt: Attempt): Link | EventLink {
  const { fd, hook, cookie, onClose = () => undefined } = place;
  const { program, where } = attempt;
  const by = place.by ?? (hasFeature(features.perfLinks) === false ? 'ioctl' : 'link');
  if (by === 'link') return linkEvent(fd, cookie, attempt);
  const event = new EventLink(fd, { hook, where, onClose });
  try {
    if (cookie !== undefined) {
      throw new BpfError(
        'ATTACH_FAILED',
        `program '${program.name}': attach to ${where}: no cookie is possible`,
        {
          program: program.name,
          hint: 'cookies belong to links of perf events (Linux 5.15)',
        },
      );
    }
    attached(ioctl(fd, PerfIoctl.SET_BPF, program.fd), attempt);
    attached(ioctl(fd, PerfIoctl.ENABLE), attempt);
  } catch (error) {
    event.close();
    throw error;
  }
  return event;
}

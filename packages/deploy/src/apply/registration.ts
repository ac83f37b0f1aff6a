import { BpfError, mapInfo, structOpsState, unregisterStructOps, type Fd } from '@nx-bpf/loader';
import { openPinned } from '../state';

/**
 * A struct_ops of `.struct_ops`, which no link holds: it is registered until it is unregistered, whatever becomes of pins
 * and processes. What stands for its link is a pin of its map.
 */
export class Registration {
  readonly hook = 'struct_ops';
  /** That of the map. */
  readonly id: number;

  /** @param map the fd, which the caller closes, or gives away by `owned` */
  constructor(
    private readonly map: Pick<Fd, 'number'>,
    private readonly owned?: Fd,
  ) {
    this.id = mapInfo(map.number).id;
  }

  /** That whose map is pinned. @returns undefined if nothing is pinned there. @throws BpfError PIN_INVALID */
  static open(place: string): Registration | undefined {
    const fd = openPinned(place, 'map');
    return fd && new Registration(fd, fd);
  }

  get fd(): number {
    return this.map.number;
  }

  describe(): string {
    return `struct_ops ${mapInfo(this.fd).name}, without a link`;
  }

  /** @throws BpfError ATTACH_FAILED always */
  update(): never {
    throw new BpfError('ATTACH_FAILED', `${this.describe()}: it cannot be updated`, {});
  }

  /** Unregisters it, unless it is not registered. Sockets that use it keep it. */
  detach(): void {
    if (structOpsState({ fd: this.fd }) === 'registered')
      unregisterStructOps({ fd: this.fd, name: mapInfo(this.fd).name });
  }

  /** It stays registered. */
  close(): void {
    this.owned?.close();
  }
}

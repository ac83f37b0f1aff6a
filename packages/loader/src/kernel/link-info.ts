import {
  LINK_INFO,
  LINK_INFO_PART,
  linkInfoSize,
  linkTypeNames,
  PERF_EVENT_INFO,
  PERF_EVENT_INFO_PART,
  perfEventTypeNames,
} from './info-layouts';
import { u64Values } from './arrays';
import { objectInfo, requireInfo } from './info';
import { decode, encode, textAt, type Layout, type LayoutOutput } from './layout';

type Parts = typeof LINK_INFO_PART;

/** Pointers are addresses of ours: of no use once read. */
type Plain<L extends Layout> = Omit<
  LayoutOutput<L>,
  { [K in keyof L]: L[K][1] extends 'pointer' ? K : never }[keyof L]
>;

/** What a link of a perf event is on; before Linux 6.6 the kernel says nothing of it. */
export interface PerfEventTarget {
  readonly kind: 'perf_event';
  /** `kprobe`, `kretprobe`, `uprobe`, `uretprobe`, `tracepoint`, `event`, or `unspec` where the kernel does not say. */
  readonly event: string;
  /** Function, file or tracepoint; '' for a kprobe at an address. */
  readonly text: string;
  /** From the function's or file's start. */
  readonly offset: number;
  /** Where a kprobe is; 0 where the kernel hides addresses. */
  readonly address: bigint;
  /** What bpf_get_attach_cookie() returns; the kernel says it since Linux 6.9. */
  readonly cookie: bigint;
}

/** Where links of many probes are: each in the order of the others, and as many as the kernel tells (0 before 6.6). */
interface ManyPlaces {
  readonly kprobe_multi: {
    /** Zeros where the kernel hides addresses. */
    readonly addresses: readonly bigint[];
    /** The kernel tells them since Linux 6.9. */
    readonly cookies: readonly bigint[];
  };
  readonly uprobe_multi: {
    /** In the file. */
    readonly offsets: readonly bigint[];
    readonly cookies: readonly bigint[];
  };
}

type Places<K> = K extends keyof ManyPlaces ? ManyPlaces[K] : unknown;

/** The part of a link's info that belongs to its kind; field names are the uapi header's. */
export type LinkTarget =
  | {
      [K in keyof Parts]: { readonly kind: K; readonly text: string } & Plain<Parts[K]> & Places<K>;
    }[keyof Parts]
  | PerfEventTarget
  | { readonly kind: 'other'; readonly text: string };

/** What the kernel says about a link. */
export interface LinkInfo {
  readonly id: number;
  /** `enum bpf_link_type`, and its name: `xdp`, `tcx`, `raw_tracepoint`... */
  readonly type: number;
  readonly typeName: string;
  readonly programId: number;
  /** Where it is attached. `text` is the tracepoint's, iterator's or file's name, '' for kinds without. */
  readonly target: LinkTarget;
}

/** Room for a name: tracepoints and functions are far shorter, paths of uprobes at most PATH_MAX. */
const textSpace = 4096;

/** In which fields the kernel wants room for a kind's text, and its size. */
const textFields: Readonly<Record<string, readonly [pointer: string, size: string]>> = {
  raw_tracepoint: ['tp_name', 'tp_name_len'],
  iter: ['target_name', 'target_name_len'],
};

/**
 * What the kernel says about the link behind an fd. A device link whose device is gone has ifindex 0, a cgroup link
 * whose cgroup is gone has cgroup_id 0.
 *
 * @throws BpfError SYSCALL_FAILED
 *
 * @example
 * ```ts
 * const { target } = linkInfo(link.fd);
 * if (target.kind === 'xdp') console.log(target.ifindex);
 * ```
 */
export function linkInfo(fd: number): LinkInfo {
  const bytes = new Uint8Array(linkInfoSize);
  requireInfo(fd, bytes);
  const { id, type, prog_id: programId } = decode(LINK_INFO, bytes);
  const typeName = linkTypeNames[type] ?? `type ${type}`;
  return { id, type, typeName, programId, target: linkTarget(fd, typeName, bytes) };
}

function linkTarget(fd: number, kind: string, bytes: Uint8Array): LinkTarget {
  if (kind === 'perf_event') return perfEventTarget(fd);
  if (kind === 'kprobe_multi') return kprobeMultiTarget(fd, bytes);
  if (kind === 'uprobe_multi') return uprobeMultiTarget(fd, bytes);
  const layout = (LINK_INFO_PART as Readonly<Record<string, Layout>>)[kind];
  if (layout === undefined) return { kind: 'other', text: '' };
  const fields = textFields[kind];
  const text = fields === undefined ? '' : linkText(fd, layout, fields[0], fields[1]);
  const plain = Object.entries(decode(layout, bytes)).filter(([name]) => layout[name]![1] !== 'pointer');
  return { kind, text, ...Object.fromEntries(plain) } as LinkTarget;
}

/** The fields of each type of perf event: those of the returns of a function are those of its entry. */
const perfEventParts: Readonly<Record<string, Layout>> = {
  ...PERF_EVENT_INFO_PART,
  kretprobe: PERF_EVENT_INFO_PART.kprobe,
  uretprobe: PERF_EVENT_INFO_PART.uprobe,
};

/** Before Linux 6.6 a perf link says nothing of its event: then all stays empty. */
function perfEventTarget(fd: number): PerfEventTarget {
  const bytes = new Uint8Array(linkInfoSize);
  const text = linkText(fd, PERF_EVENT_INFO, 'text', 'text_len', bytes);
  const { type, offset } = decode(PERF_EVENT_INFO, bytes);
  const event = perfEventTypeNames[type] ?? `type ${type}`;
  const part = decode(perfEventParts[event] ?? {}, bytes);
  return {
    kind: 'perf_event',
    event,
    text: event === 'event' ? '' : text,
    offset: event === 'tracepoint' || event === 'event' ? 0 : offset,
    address: (part['addr'] as bigint | undefined) ?? 0n,
    cookie: (part['cookie'] as bigint | undefined) ?? 0n,
  };
}

function kprobeMultiTarget(fd: number, bytes: Uint8Array): LinkTarget {
  const { count, flags, missed } = decode(LINK_INFO_PART.kprobe_multi, bytes);
  const [addrs, cookies] = [new Uint8Array(8 * count), new Uint8Array(8 * count)];
  const asked = encode(LINK_INFO_PART.kprobe_multi, { addrs, cookies, count }, new Uint8Array(linkInfoSize));
  // A kernel that does not know the cookies leaves them zero.
  const told = count > 0 && objectInfo(fd, asked.bytes) >= 0;
  return {
    kind: 'kprobe_multi',
    text: '',
    count,
    flags,
    missed,
    addresses: told ? u64Values(addrs) : [],
    cookies: told ? u64Values(cookies) : [],
  };
}

function uprobeMultiTarget(fd: number, bytes: Uint8Array): LinkTarget {
  const { count, flags, pid } = decode(LINK_INFO_PART.uprobe_multi, bytes);
  const [offsets, cookies] = [new Uint8Array(8 * count), new Uint8Array(8 * count)];
  const path = new Uint8Array(textSpace);
  const asked = encode(
    LINK_INFO_PART.uprobe_multi,
    { path, path_size: textSpace, offsets, cookies, count },
    new Uint8Array(linkInfoSize),
  );
  const told = count > 0 && objectInfo(fd, asked.bytes) >= 0;
  return {
    kind: 'uprobe_multi',
    text: told ? textAt(path, 0, textSpace) : '',
    path_size: told ? decode(LINK_INFO_PART.uprobe_multi, asked.bytes).path_size : 0,
    count,
    flags,
    pid,
    offsets: told ? u64Values(offsets) : [],
    cookies: told ? u64Values(cookies) : [],
  };
}

function linkText(
  fd: number,
  layout: Layout,
  pointer: string,
  length: string,
  bytes = new Uint8Array(linkInfoSize),
): string {
  const text = new Uint8Array(textSpace);
  encode(layout, { [pointer]: text, [length]: textSpace }, bytes);
  return objectInfo(fd, bytes) < 0 ? '' : textAt(text, 0, textSpace);
}

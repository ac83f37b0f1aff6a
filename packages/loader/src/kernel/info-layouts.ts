import { type Layout } from './layout';

/** What BPF_OBJ_GET_INFO_BY_FD fills in. Source: include/uapi/linux/bpf.h, Linux 6.18. */

export const MAP_INFO = {
  type: [0, 'u32'],
  id: [4, 'u32'],
  key_size: [8, 'u32'],
  value_size: [12, 'u32'],
  max_entries: [16, 'u32'],
  map_flags: [20, 'u32'],
  name: [24, 'name'],
  ifindex: [40, 'u32'],
  btf_vmlinux_value_type_id: [44, 'u32'],
  netns_dev: [48, 'u64'],
  netns_ino: [56, 'u64'],
  btf_id: [64, 'u32'],
  btf_key_type_id: [68, 'u32'],
  btf_value_type_id: [72, 'u32'],
  btf_vmlinux_id: [76, 'u32'],
  map_extra: [80, 'u64'],
} as const satisfies Layout;

export const PROG_INFO = {
  type: [0, 'u32'],
  id: [4, 'u32'],
  tag: [8, 'tag'],
  jited_prog_len: [16, 'u32'],
  xlated_prog_len: [20, 'u32'],
  jited_prog_insns: [24, 'pointer'],
  xlated_prog_insns: [32, 'pointer'],
  load_time: [40, 'u64'],
  created_by_uid: [48, 'u32'],
  nr_map_ids: [52, 'u32'],
  map_ids: [56, 'pointer'],
  name: [64, 'name'],
  ifindex: [80, 'u32'],
  gpl_compatible: [84, 'u32'],
  netns_dev: [88, 'u64'],
  netns_ino: [96, 'u64'],
  nr_jited_ksyms: [104, 'u32'],
  nr_jited_func_lens: [108, 'u32'],
  jited_ksyms: [112, 'pointer'],
  jited_func_lens: [120, 'pointer'],
  btf_id: [128, 'u32'],
  func_info_rec_size: [132, 'u32'],
  func_info: [136, 'pointer'],
  nr_func_info: [144, 'u32'],
  nr_line_info: [148, 'u32'],
  line_info: [152, 'pointer'],
  jited_line_info: [160, 'pointer'],
  nr_jited_line_info: [168, 'u32'],
  line_info_rec_size: [172, 'u32'],
  jited_line_info_rec_size: [176, 'u32'],
  nr_prog_tags: [180, 'u32'],
  prog_tags: [184, 'pointer'],
  run_time_ns: [192, 'u64'],
  run_cnt: [200, 'u64'],
  recursion_misses: [208, 'u64'],
  verified_insns: [216, 'u32'],
  attach_btf_obj_id: [220, 'u32'],
  attach_btf_id: [224, 'u32'],
} as const satisfies Layout;

export const BTF_INFO = {
  btf: [0, 'pointer'],
  btf_size: [8, 'u32'],
  id: [12, 'u32'],
  name: [16, 'pointer'],
  name_len: [24, 'u32'],
  kernel_btf: [28, 'u32'],
} as const satisfies Layout;

/** What every link's info starts with; the kind's own part follows at byte 16, the union's alignment being 8. */
export const LINK_INFO = {
  type: [0, 'u32'],
  id: [4, 'u32'],
  prog_id: [8, 'u32'],
} as const satisfies Layout;

/** Bytes of the longest `struct bpf_link_info`. */
export const linkInfoSize = 64;

/** `enum bpf_link_type`, as names. */
export const linkTypeNames: readonly string[] = [
  'unspec',
  'raw_tracepoint',
  'tracing',
  'cgroup',
  'iter',
  'netns',
  'xdp',
  'perf_event',
  'kprobe_multi',
  'struct_ops',
  'netfilter',
  'tcx',
  'uprobe_multi',
  'netkit',
  'sockmap',
];

/** The part of `struct bpf_link_info` that belongs to one kind of link. Texts and arrays are asked for in a second call. */
export const LINK_INFO_PART = {
  raw_tracepoint: { tp_name: [16, 'pointer'], tp_name_len: [24, 'u32'], cookie: [32, 'u64'] },
  tracing: {
    attach_type: [16, 'u32'],
    target_obj_id: [20, 'u32'],
    target_btf_id: [24, 'u32'],
    cookie: [32, 'u64'],
  },
  cgroup: { cgroup_id: [16, 'u64'], attach_type: [24, 'u32'] },
  iter: { target_name: [16, 'pointer'], target_name_len: [24, 'u32'], map_id: [28, 'u32'] },
  netns: { netns_ino: [16, 'u32'], attach_type: [20, 'u32'] },
  xdp: { ifindex: [16, 'u32'] },
  struct_ops: { map_id: [16, 'u32'] },
  netfilter: { pf: [16, 'u32'], hooknum: [20, 'u32'], priority: [24, 'i32'], flags: [28, 'u32'] },
  kprobe_multi: {
    addrs: [16, 'pointer'],
    count: [24, 'u32'],
    flags: [28, 'u32'],
    missed: [32, 'u64'],
    cookies: [40, 'pointer'],
  },
  uprobe_multi: {
    path: [16, 'pointer'],
    offsets: [24, 'pointer'],
    ref_ctr_offsets: [32, 'pointer'],
    cookies: [40, 'pointer'],
    path_size: [48, 'u32'],
    count: [52, 'u32'],
    flags: [56, 'u32'],
    pid: [60, 'u32'],
  },
  tcx: { ifindex: [16, 'u32'], attach_type: [20, 'u32'] },
  netkit: { ifindex: [16, 'u32'], attach_type: [20, 'u32'] },
  sockmap: { map_id: [16, 'u32'], attach_type: [20, 'u32'] },
} as const satisfies Readonly<Record<string, Layout>>;

/** `enum bpf_perf_event_type`: what a perf_event link is on. */
export const perfEventTypeNames: readonly string[] = [
  'unspec',
  'uprobe',
  'uretprobe',
  'kprobe',
  'kretprobe',
  'tracepoint',
  'event',
];

/** The part of a perf_event link's info that all its types share (`type` selects); since Linux 6.6. */
export const PERF_EVENT_INFO = {
  type: [16, 'u32'],
  /** File, function or tracepoint, as the type has it. */
  text: [24, 'pointer'],
  text_len: [32, 'u32'],
  /** Offset from the file's or function's start; 0 for a tracepoint. */
  offset: [36, 'u32'],
} as const satisfies Layout;

/** What follows, by type. */
export const PERF_EVENT_INFO_PART = {
  uprobe: { cookie: [40, 'u64'], ref_ctr_offset: [48, 'u64'] },
  kprobe: { addr: [40, 'u64'], missed: [48, 'u64'], cookie: [56, 'u64'] },
  tracepoint: { cookie: [40, 'u64'] },
  event: { config: [24, 'u64'], type: [32, 'u32'], cookie: [40, 'u64'] },
} as const satisfies Readonly<Record<string, Layout>>;

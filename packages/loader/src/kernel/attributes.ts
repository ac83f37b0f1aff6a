import { type Layout } from './layout';

/**
 * `union bpf_attr` of include/uapi/linux/bpf.h (Linux 6.18), a layout for each group of commands. Fields that an
 * older kernel does not know lie behind those it knows, and it accepts them as long as they are zero.
 */

export const MAP_CREATE = {
  map_type: [0, 'u32'],
  key_size: [4, 'u32'],
  value_size: [8, 'u32'],
  max_entries: [12, 'u32'],
  map_flags: [16, 'u32'],
  inner_map_fd: [20, 'u32'],
  numa_node: [24, 'u32'],
  map_name: [28, 'name'],
  map_ifindex: [44, 'u32'],
  btf_fd: [48, 'u32'],
  btf_key_type_id: [52, 'u32'],
  btf_value_type_id: [56, 'u32'],
  btf_vmlinux_value_type_id: [60, 'u32'],
  map_extra: [64, 'u64'],
  value_type_btf_obj_fd: [72, 'i32'],
  map_token_fd: [76, 'i32'],
} as const satisfies Layout;

/** BPF_MAP_*_ELEM, BPF_MAP_GET_NEXT_KEY (`value` is the next key there) and BPF_MAP_FREEZE. */
export const MAP_ELEMENT = {
  map_fd: [0, 'u32'],
  key: [8, 'pointer'],
  value: [16, 'pointer'],
  flags: [24, 'u64'],
} as const satisfies Layout;

export const MAP_BATCH = {
  in_batch: [0, 'pointer'],
  out_batch: [8, 'pointer'],
  keys: [16, 'pointer'],
  values: [24, 'pointer'],
  count: [32, 'u32'],
  map_fd: [36, 'u32'],
  elem_flags: [40, 'u64'],
  flags: [48, 'u64'],
} as const satisfies Layout;

export const PROG_LOAD = {
  prog_type: [0, 'u32'],
  insn_cnt: [4, 'u32'],
  insns: [8, 'pointer'],
  license: [16, 'pointer'],
  log_level: [24, 'u32'],
  log_size: [28, 'u32'],
  log_buf: [32, 'pointer'],
  kern_version: [40, 'u32'],
  prog_flags: [44, 'u32'],
  prog_name: [48, 'name'],
  prog_ifindex: [64, 'u32'],
  expected_attach_type: [68, 'u32'],
  prog_btf_fd: [72, 'u32'],
  func_info_rec_size: [76, 'u32'],
  func_info: [80, 'pointer'],
  func_info_cnt: [88, 'u32'],
  line_info_rec_size: [92, 'u32'],
  line_info: [96, 'pointer'],
  line_info_cnt: [104, 'u32'],
  attach_btf_id: [108, 'u32'],
  /** `attach_prog_fd` and `attach_btf_obj_fd` share this word. */
  attach_fd: [112, 'u32'],
  core_relo_cnt: [116, 'u32'],
  fd_array: [120, 'pointer'],
  core_relos: [128, 'pointer'],
  core_relo_rec_size: [136, 'u32'],
  /** Out: size of the whole log, since Linux 6.4. */
  log_true_size: [140, 'u32'],
  prog_token_fd: [144, 'i32'],
  /** Since Linux 6.14: every map in `fd_array` is bound to the program. */
  fd_array_cnt: [148, 'u32'],
} as const satisfies Layout;

/** BPF_OBJ_PIN and BPF_OBJ_GET. */
export const OBJ = {
  pathname: [0, 'pointer'],
  bpf_fd: [8, 'u32'],
  file_flags: [12, 'u32'],
  path_fd: [16, 'i32'],
} as const satisfies Layout;

export const PROG_QUERY = {
  target: [0, 'u32'],
  attach_type: [4, 'u32'],
  query_flags: [8, 'u32'],
  attach_flags: [12, 'u32'],
  prog_ids: [16, 'pointer'],
  count: [24, 'u32'],
  prog_attach_flags: [32, 'pointer'],
  link_ids: [40, 'pointer'],
  link_attach_flags: [48, 'pointer'],
  revision: [56, 'u64'],
} as const satisfies Layout;

export const TEST_RUN = {
  prog_fd: [0, 'u32'],
  retval: [4, 'u32'],
  data_size_in: [8, 'u32'],
  data_size_out: [12, 'u32'],
  data_in: [16, 'pointer'],
  data_out: [24, 'pointer'],
  repeat: [32, 'u32'],
  duration: [36, 'u32'],
  ctx_size_in: [40, 'u32'],
  ctx_size_out: [44, 'u32'],
  ctx_in: [48, 'pointer'],
  ctx_out: [56, 'pointer'],
  flags: [64, 'u32'],
  cpu: [68, 'u32'],
  batch_size: [72, 'u32'],
} as const satisfies Layout;

/** BPF_*_GET_NEXT_ID and BPF_*_GET_FD_BY_ID. */
export const ID = {
  id: [0, 'u32'],
  next_id: [4, 'u32'],
  open_flags: [8, 'u32'],
} as const satisfies Layout;

export const INFO = {
  bpf_fd: [0, 'u32'],
  info_len: [4, 'u32'],
  info: [8, 'pointer'],
} as const satisfies Layout;

export const RAW_TRACEPOINT = {
  name: [0, 'pointer'],
  prog_fd: [8, 'u32'],
  cookie: [16, 'u64'],
} as const satisfies Layout;

export const BTF_LOAD = {
  btf: [0, 'pointer'],
  btf_log_buf: [8, 'pointer'],
  btf_size: [16, 'u32'],
  btf_log_size: [20, 'u32'],
  btf_log_level: [24, 'u32'],
  btf_log_true_size: [28, 'u32'],
  /** Since Linux 6.9, as the fd behind it: BPF_F_TOKEN_FD says that it counts. */
  btf_flags: [32, 'u32'],
  btf_token_fd: [36, 'i32'],
} as const satisfies Layout;

export const TASK_FD_QUERY = {
  pid: [0, 'u32'],
  fd: [4, 'u32'],
  flags: [8, 'u32'],
  buf_len: [12, 'u32'],
  buf: [16, 'pointer'],
  prog_id: [24, 'u32'],
  fd_type: [28, 'u32'],
  probe_offset: [32, 'u64'],
  probe_addr: [40, 'u64'],
} as const satisfies Layout;

/** What every BPF_LINK_CREATE starts with; the hook's own part follows at byte 16. */
export const LINK_CREATE = {
  /** `prog_fd`, or `map_fd` of a struct_ops. */
  prog_fd: [0, 'u32'],
  /** `target_fd`, or `target_ifindex` for device hooks. */
  target: [4, 'u32'],
  attach_type: [8, 'u32'],
  flags: [12, 'u32'],
} as const satisfies Layout;

/** The part of BPF_LINK_CREATE that belongs to one hook. */
export const LINK_CREATE_PART = {
  iter: { iter_info: [16, 'pointer'], iter_info_len: [24, 'u32'] },
  perf_event: { bpf_cookie: [16, 'u64'] },
  kprobe_multi: {
    flags: [16, 'u32'],
    cnt: [20, 'u32'],
    syms: [24, 'pointer'],
    addrs: [32, 'pointer'],
    cookies: [40, 'pointer'],
  },
  tracing: { target_btf_id: [16, 'u32'], cookie: [24, 'u64'] },
  netfilter: { pf: [16, 'u32'], hooknum: [20, 'u32'], priority: [24, 'i32'], flags: [28, 'u32'] },
  /** tcx, netkit, and since Linux 6.17 cgroup: `relative` is an fd, or an id with BPF_F_ID. */
  mprog: { relative: [16, 'u32'], expected_revision: [24, 'u64'] },
  uprobe_multi: {
    path: [16, 'pointer'],
    offsets: [24, 'pointer'],
    ref_ctr_offsets: [32, 'pointer'],
    cookies: [40, 'pointer'],
    cnt: [48, 'u32'],
    flags: [52, 'u32'],
    pid: [56, 'u32'],
    path_fd: [60, 'u32'],
  },
} as const satisfies Readonly<Record<string, Layout>>;

export const LINK_UPDATE = {
  link_fd: [0, 'u32'],
  /** `new_prog_fd`, or `new_map_fd` of a struct_ops. */
  new_fd: [4, 'u32'],
  flags: [8, 'u32'],
  /** `old_prog_fd` or `old_map_fd`: with BPF_F_REPLACE what must be there now. */
  old_fd: [12, 'u32'],
} as const satisfies Layout;

export const LINK_DETACH = { link_fd: [0, 'u32'] } as const satisfies Layout;

export const TOKEN_CREATE = {
  flags: [0, 'u32'],
  bpffs_fd: [4, 'u32'],
} as const satisfies Layout;

export const ENABLE_STATS = { type: [0, 'u32'] } as const satisfies Layout;

export const ITER_CREATE = { link_fd: [0, 'u32'], flags: [4, 'u32'] } as const satisfies Layout;

export const PROG_BIND_MAP = {
  prog_fd: [0, 'u32'],
  map_fd: [4, 'u32'],
  flags: [8, 'u32'],
} as const satisfies Layout;

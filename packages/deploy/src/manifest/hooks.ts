/** One key of a hook's options, as data: the schema, the types and the defaults all come from it. */
export interface HookKey {
  /** Free text, or one of some words. */
  readonly type: 'text' | readonly string[];
  readonly required?: boolean;
  readonly default?: string;
  readonly about: string;
}

/** What a program can be attached to. */
export interface Hook {
  readonly about: string;
  readonly keys: Readonly<Record<string, HookKey>>;
}

/** `enum bpf_attach_type` of include/uapi/linux/bpf.h, its cgroup part without the prefix `BPF_`. */
const cgroupTypes = [
  'cgroup_inet_ingress',
  'cgroup_inet_egress',
  'cgroup_inet_sock_create',
  'cgroup_inet_sock_release',
  'cgroup_sock_ops',
  'cgroup_device',
  'cgroup_inet4_bind',
  'cgroup_inet6_bind',
  'cgroup_inet4_post_bind',
  'cgroup_inet6_post_bind',
  'cgroup_inet4_connect',
  'cgroup_inet6_connect',
  'cgroup_unix_connect',
  'cgroup_inet4_getpeername',
  'cgroup_inet6_getpeername',
  'cgroup_unix_getpeername',
  'cgroup_inet4_getsockname',
  'cgroup_inet6_getsockname',
  'cgroup_unix_getsockname',
  'cgroup_udp4_sendmsg',
  'cgroup_udp6_sendmsg',
  'cgroup_unix_sendmsg',
  'cgroup_udp4_recvmsg',
  'cgroup_udp6_recvmsg',
  'cgroup_unix_recvmsg',
  'cgroup_sysctl',
  'cgroup_getsockopt',
  'cgroup_setsockopt',
] as const;

/** The hooks of `attach`, by the key that names them. A hook is added here, and in the room that attaches. */
export const hooks = {
  xdp: {
    about: 'Packets as a network driver receives them.',
    keys: {
      interface: { type: 'text', required: true, about: 'Network interface.' },
      mode: {
        type: ['auto', 'native', 'generic'],
        default: 'auto',
        about: 'auto: native if the driver can, else generic.',
      },
    },
  },
  tcx: {
    about: 'Packets at traffic control, ingress or egress (kernel 6.6).',
    keys: {
      interface: { type: 'text', required: true, about: 'Network interface.' },
      direction: { type: ['ingress', 'egress'], required: true, about: 'Which way the packets go.' },
    },
  },
  tracepoint: {
    about: 'A static tracepoint, through perf; by default the one that SEC("tracepoint/...") names.',
    keys: {
      category: { type: 'text', about: 'Folder under events/ of tracefs, such as syscalls.' },
      name: { type: 'text', about: 'Such as sys_enter_execve.' },
    },
  },
  raw_tracepoint: {
    about: 'A tracepoint with its raw arguments; by default the one that SEC("raw_tp/...") names.',
    keys: { name: { type: 'text', about: 'Such as sched_process_exec.' } },
  },
  tp_btf: {
    about:
      'A tracepoint with typed arguments. The name is fixed when the program is loaded: SEC("tp_btf/...") gives it.',
    keys: { name: { type: 'text', about: 'Such as sched_process_exec.' } },
  },
  cgroup: {
    about: 'What the processes of a cgroup do: packets, connects, devices, options.',
    keys: {
      path: {
        type: 'text',
        required: true,
        about: 'The cgroup: absolute, or relative to the cgroup2 mount.',
      },
      type: { type: cgroupTypes, about: 'Attach type; by default that of the section name.' },
    },
  },
} as const satisfies Record<string, Hook>;

export type HookName = keyof typeof hooks;

export const hookNames = Object.keys(hooks) as HookName[];

/** The type of one option: text or one of its words. */
type KeyValue<K> = K extends { readonly type: readonly (infer Word)[] } ? Word : string;
/** Options that are there once the manifest is complete: required, or with a default. */
type Present<K> = K extends { readonly required: true } | { readonly default: string } ? true : false;

/** The options of a hook after merging: required and defaulted keys are there, the others may be undefined. */
export type HookOptions<H extends HookName> = {
  readonly [K in keyof (typeof hooks)[H]['keys']]:
    | KeyValue<(typeof hooks)[H]['keys'][K]>
    | (Present<(typeof hooks)[H]['keys'][K]> extends true ? never : undefined);
};

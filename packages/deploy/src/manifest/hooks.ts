import { cgroupTypes } from '@nx-bpf/loader';

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
      direction: {
        type: ['ingress', 'egress'],
        about: 'Which way the packets go; by default what SEC("tcx/...") says.',
      },
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
      type: {
        type: cgroupTypes.map(({ name }) => name),
        about: 'Attach type; by default that of the section name.',
      },
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

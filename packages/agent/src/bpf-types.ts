// Written by `nx-bpf types` from the objects of this name: do not edit, write it again.
import { PinnedObject, TypedObject, type BpfMap } from '@nx-bpf/loader';

/** `struct agent_stat` */
export interface AgentStat {
  readonly seen: number | bigint;
  readonly lost: number | bigint;
}

/** `struct command_name` */
export interface CommandName {
  readonly text: string;
}

/** `struct egress_traffic` */
export interface EgressTraffic {
  readonly packets: number | bigint;
  readonly bytes: number | bigint;
}

/** `struct exec_event` */
export interface ExecEvent {
  readonly time_ns: number | bigint;
  readonly cgroup: number | bigint;
  readonly pid: number;
  readonly parent_pid: number;
  readonly uid: number;
  readonly command: string;
  readonly file: string;
}

/** `struct ipv4_network` */
export interface Ipv4Network {
  readonly prefixlen: number;
  readonly address: readonly number[];
}

/** `struct ipv6_network` */
export interface Ipv6Network {
  readonly prefixlen: number;
  readonly address: readonly number[];
}

/** `struct packet_sample` */
export interface PacketSample {
  readonly time_ns: number | bigint;
  readonly length: number;
  readonly interface: number;
  readonly ethertype: number;
  readonly verdict: number;
}

/** `struct traffic` */
export interface Traffic {
  readonly packets: number | bigint;
  readonly bytes: number | bigint;
}

/** Types of the maps, variables and events of agent. */
export interface AgentTypes {
  readonly maps: {
    readonly agent_stats: BpfMap<number, readonly AgentStat[]>;
    readonly blocklist: BpfMap<Ipv4Network | string, number>;
    readonly blocklist6: BpfMap<Ipv6Network | string, number>;
    readonly commands: BpfMap<CommandName, number | bigint>;
    readonly egress_by_cgroup: BpfMap<number | bigint, EgressTraffic>;
    readonly events: BpfMap<never, never>;
    readonly samples: BpfMap<never, never>;
    readonly verdicts: BpfMap<number, readonly Traffic[]>;
  };
  readonly programs: 'edge_guard' | 'egress_account' | 'exec_monitor';
  readonly variables: {
    readonly count_loopback: boolean;
    readonly minimum_uid: number;
    readonly sample_rate: number;
  };
  readonly events: {
    readonly exec_event: ExecEvent;
    readonly packet_sample: PacketSample;
  };
}

const shape = {
  maps: ['agent_stats', 'blocklist', 'blocklist6', 'commands', 'egress_by_cgroup', 'events', 'samples', 'verdicts'],
  programs: ['edge_guard', 'egress_account', 'exec_monitor'],
  variables: {
    count_loopback: 'egress.rodata',
    minimum_uid: 'exec.rodata',
    sample_rate: 'edge.rodata',
  },
  values: {
    agent_stats: 'struct agent_stat',
    blocklist: '__u32',
    blocklist6: '__u32',
    commands: '__u64',
    egress_by_cgroup: 'struct egress_traffic',
    verdicts: 'struct traffic',
  },
} as const;

/** Maps, programs, variables and events of agent, typed. Closing it closes what it opened. */
export class Agent extends TypedObject<AgentTypes> {
  /** What is pinned under a directory: of a deployment, or of `nx-bpf load --pin`. Opened as it is used. */
  static open(directory = '/sys/fs/bpf/nx-bpf/agent/dev'): Agent {
    return new Agent(new PinnedObject(directory, shape.values), shape);
  }
}

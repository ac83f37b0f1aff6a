import { AttachType, ProgramType, type AttachTypeName, type ProgramTypeName } from '../object';

/**
 * Where a program can be attached in a cgroup. Source: include/uapi/linux/bpf.h and attach_type_to_prog_type() in
 * kernel/bpf/syscall.c (Linux 6.18).
 */
export interface CgroupType {
  readonly name: AttachTypeName;
  /** What section names call it: `connect4` in `cgroup/connect4`. */
  readonly label: string;
  readonly attachType: number;
  readonly programType: number;
}

function row(name: AttachTypeName, label: string, programType: ProgramTypeName): CgroupType {
  return { name, label, attachType: AttachType[name], programType: ProgramType[programType] };
}

export const cgroupTypes: readonly CgroupType[] = [
  row('cgroup_inet_ingress', 'ingress', 'cgroup_skb'),
  row('cgroup_inet_egress', 'egress', 'cgroup_skb'),
  row('cgroup_inet_sock_create', 'sock_create', 'cgroup_sock'),
  row('cgroup_sock_ops', 'sockops', 'sock_ops'),
  row('cgroup_device', 'dev', 'cgroup_device'),
  row('cgroup_inet4_bind', 'bind4', 'cgroup_sock_addr'),
  row('cgroup_inet6_bind', 'bind6', 'cgroup_sock_addr'),
  row('cgroup_inet4_connect', 'connect4', 'cgroup_sock_addr'),
  row('cgroup_inet6_connect', 'connect6', 'cgroup_sock_addr'),
  row('cgroup_inet4_post_bind', 'post_bind4', 'cgroup_sock'),
  row('cgroup_inet6_post_bind', 'post_bind6', 'cgroup_sock'),
  row('cgroup_udp4_sendmsg', 'sendmsg4', 'cgroup_sock_addr'),
  row('cgroup_udp6_sendmsg', 'sendmsg6', 'cgroup_sock_addr'),
  row('cgroup_sysctl', 'sysctl', 'cgroup_sysctl'),
  row('cgroup_udp4_recvmsg', 'recvmsg4', 'cgroup_sock_addr'),
  row('cgroup_udp6_recvmsg', 'recvmsg6', 'cgroup_sock_addr'),
  row('cgroup_getsockopt', 'getsockopt', 'cgroup_sockopt'),
  row('cgroup_setsockopt', 'setsockopt', 'cgroup_sockopt'),
  row('cgroup_inet4_getpeername', 'getpeername4', 'cgroup_sock_addr'),
  row('cgroup_inet6_getpeername', 'getpeername6', 'cgroup_sock_addr'),
  row('cgroup_inet4_getsockname', 'getsockname4', 'cgroup_sock_addr'),
  row('cgroup_inet6_getsockname', 'getsockname6', 'cgroup_sock_addr'),
  row('cgroup_inet_sock_release', 'sock_release', 'cgroup_sock'),
  row('lsm_cgroup', 'lsm', 'lsm'),
  row('cgroup_unix_connect', 'connect_unix', 'cgroup_sock_addr'),
  row('cgroup_unix_sendmsg', 'sendmsg_unix', 'cgroup_sock_addr'),
  row('cgroup_unix_recvmsg', 'recvmsg_unix', 'cgroup_sock_addr'),
  row('cgroup_unix_getpeername', 'getpeername_unix', 'cgroup_sock_addr'),
  row('cgroup_unix_getsockname', 'getsockname_unix', 'cgroup_sock_addr'),
];

/** A cgroup attach type as people read it: `connect4`. */
export function cgroupTypeLabel(attachType: number): string {
  return cgroupTypes.find((type) => type.attachType === attachType)?.label ?? `attach type ${attachType}`;
}

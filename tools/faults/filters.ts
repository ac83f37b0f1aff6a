/** What the faults are tried on: five filters on five hooks, and a program that watches; two versions of them. */
import fs from 'node:fs';
import path from 'node:path';
import { compile } from '../testing/compile';
import { type DeploymentFixture, type NamedObject } from '../testing/deployment';

/** Hooks, in the order of their numbers in the map of counts. Each but the last drops what is sent to a port of its own. */
export const hooks = ['xdp', 'tcx', 'tc', 'cgroup', 'lwt', 'tracepoint'] as const;
export type Hook = (typeof hooks)[number];

/** Ports that the filters block, in the order of `hooks`. */
export const ports = [7101, 7102, 7103, 7104, 7105] as const;

/** Counts of a version begin at eight times its number. */
export const countsPerVersion = 8;

const source = `
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
const volatile __u32 version = 1;
enum { XDP, TCX, TC, CGROUP, LWT, TRACEPOINT };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 24); __type(key, __u32); __type(value, __u64); } fault_counts SEC(".maps");
struct flow { FLOW };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32); __type(value, struct flow); } fault_flows SEC(".maps");

static void count(__u32 hook) {
  __u32 key = version * ${countsPerVersion} + hook;
  __u64 *total = bpf_map_lookup_elem(&fault_counts, &key);
  if (total) __sync_fetch_and_add(total, 1);
}

SEC("xdp") int fault_guard(struct xdp_md *ctx) {
  __u8 *packet = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (packet + 44 > end || packet[12] != 8 || packet[13] != 0 || packet[23] != 17) return XDP_PASS;
  __u32 port = packet[36] << 8 | packet[37];
  struct flow first = { .packets = 1 }, *flow = bpf_map_lookup_elem(&fault_flows, &port);
  if (flow) __sync_fetch_and_add(&flow->packets, 1);
  else bpf_map_update_elem(&fault_flows, &port, &first, BPF_NOEXIST);
  if (port != ${ports[0]}) return XDP_PASS;
  count(XDP);
  return XDP_DROP;
}

static int port_of(struct __sk_buff *skb, __u32 network) {
  __u8 header[24];
  if (bpf_skb_load_bytes(skb, network, header, sizeof(header)) || header[9] != 17) return 0;
  return header[22] << 8 | header[23];
}

SEC("tcx/ingress") int fault_police(struct __sk_buff *skb) {
  if (port_of(skb, 14) != ${ports[1]}) return -1;
  count(TCX);
  return TC_ACT_SHOT;
}

SEC("tc") int fault_classify(struct __sk_buff *skb) {
  if (port_of(skb, 14) != ${ports[2]}) return TC_ACT_OK;
  count(TC);
  return TC_ACT_SHOT;
}

SEC("cgroup_skb/egress") int fault_fence(struct __sk_buff *skb) {
  if (port_of(skb, 0) != ${ports[3]}) return 1;
  count(CGROUP);
  return 0;
}

SEC("lwt_xmit") int fault_refuse(struct __sk_buff *skb) {
  if (port_of(skb, 0) != ${ports[4]}) return BPF_OK;
  count(LWT);
  return BPF_DROP;
}

SEC("tracepoint/net/netif_receive_skb") int fault_watch(void *ctx) {
  count(TRACEPOINT);
  return 0;
}
`;

/** What the value of the map that migrates looks like, by version. */
const layouts = { 1: '__u64 packets;', 2: '__u32 last; __u64 packets; __u64 bytes;' } as const;
export type Version = keyof typeof layouts;

/** The object files of both versions, in a directory. */
export function compileFilters(directory: string): Readonly<Record<Version, readonly NamedObject[]>> {
  const built = (version: Version): NamedObject[] => {
    const file = path.join(directory, `filters${version}.bpf.o`);
    fs.writeFileSync(file, compile(source.replace('FLOW', layouts[version])));
    return [{ name: 'filters', file }];
  };
  return { 1: built(1), 2: built(2) };
}

/** A destination that nothing but the route with the program leads to. */
export const routed = { network: '10.50.0.0/16', address: '10.50.0.1' } as const;

/** Writes the manifest that attaches all of them. */
export function writeManifest(
  fixture: DeploymentFixture,
  on: { readonly interface: string; readonly via: string; readonly cgroup: string },
): void {
  fixture.manifest(`
version: 1
objects: { filters: {} }
maps: { fault_flows: { migrate: { copy: { allowDropped: true, fields: { packets: { merge: sum } } } } } }
programs:
  fault_guard: { object: filters, attach: [{ id: xdp, xdp: { interface: ${on.interface} } }] }
  fault_police: { object: filters, attach: [{ id: tcx, tcx: { interface: ${on.interface}, direction: ingress } }] }
  fault_classify: { object: filters, attach: [{ id: tc, tc: { interface: ${on.interface}, direction: ingress } }] }
  fault_fence: { object: filters, attach: [{ id: cgroup, cgroup: { path: ${on.cgroup}, type: cgroup_inet_egress } }] }
  fault_refuse: { object: filters, attach: [{ id: lwt, lwt: { interface: ${on.interface}, destination: ${routed.network}, via: ${on.via} } }] }
  fault_watch: { object: filters, attach: [{ id: tracepoint, tracepoint: {} }] }
`);
}

/** What is laid over the manifest for a version. */
export function settings(version: Version): string {
  return `objects.filters.constants.version=${version}`;
}

import fs from 'node:fs';
import path from 'node:path';
import { type DeploymentFixture, type NamedObject } from '../testing/deployment';
import { type KernelSuite, type Veth } from '../testing/kernel';

/** A small project: a filter that is switched in place, and a watcher that is not. */
const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
const volatile __u32 version = 0;
struct count { COUNT };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32); __type(value, struct count); } nxe_counts SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32); } nxe_seen SEC(".maps");

SEC("xdp") int nxe_guard(void *ctx) {
  __u32 key = 0, running = version;
  struct count first = { .packets = 1 }, *count = bpf_map_lookup_elem(&nxe_counts, &key);
  bpf_map_update_elem(&nxe_seen, &key, &running, BPF_ANY);
  if (count) __sync_fetch_and_add(&count->packets, 1);
  else bpf_map_update_elem(&nxe_counts, &key, &first, BPF_ANY);
  return XDP_PASS;
}

SEC("raw_tracepoint/sched_process_exec") int nxe_watch(void *ctx) { return version ? 0 : 1; }
`;

/** What the value of `nxe_counts` looks like: a change of it is a migration. */
const layouts = ['__u64 packets;', '__u32 last; __u64 packets;'];

/** Writes the project, and compiles both of its forms: one object each. */
export function writeProject(kernel: KernelSuite, fixture: DeploymentFixture, veth: Veth): NamedObject[][] {
  fixture.manifest(`
version: 1
objects: { nxe: { source: nxe.bpf.c } }
maps: { nxe_counts: { migrate: { copy: { allowDropped: true, fields: { packets: { merge: sum } } } } } }
programs:
  nxe_guard: { object: nxe, attach: [{ id: uplink, xdp: { interface: ${veth.interface} } }] }
  nxe_watch: { object: nxe, attach: [{ id: exec, raw_tracepoint: { name: sched_process_exec } }] }
`);
  fs.writeFileSync(path.join(fixture.workspace, 'p/nxe.bpf.c'), source.replace('COUNT', layouts[0]!));
  return layouts.map((layout, number) => [
    { name: 'nxe', file: kernel.compile(source.replace('COUNT', layout), { name: `nxe${number}` }) },
  ]);
}

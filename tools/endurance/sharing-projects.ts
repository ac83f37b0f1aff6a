import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { type KernelSuite } from '../testing/kernel';

/** Four projects that share two maps, each on an interface of its own and all of them on one. */
export const projects = ['p0', 'p1', 'p2', 'p3'] as const;

export const sharedMaps = ['nxc_flows', 'nxc_total'] as const;

/** The interface of a project, and the one that has a program of each. */
export const interfaceOf = (project: string): string => `nxc-${project}`;
export const common = 'nxc-all';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
const volatile __u32 version = 0;
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32); __type(value, __u64); } nxc_flows SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } nxc_total SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32); } nxc_seen SEC(".maps");

SEC("xdp") int nxc_guard(void *ctx) {
  __u32 key = 0, running = version;
  __u64 one = 1, *total = bpf_map_lookup_elem(&nxc_total, &key);
  bpf_map_update_elem(&nxc_seen, &key, &running, BPF_ANY);
  bpf_map_update_elem(&nxc_flows, &running, &one, BPF_ANY);
  if (total) __sync_fetch_and_add(total, 1);
  return XDP_PASS;
}

SEC("tcx/ingress") int nxc_police(void *ctx) {
  __u32 key = 0;
  __u64 *total = bpf_map_lookup_elem(&nxc_total, &key);
  if (total) __sync_fetch_and_add(total, version);
  return -1;
}
`;

/** Writes the workspace: sources and manifests. */
export function writeWorkspace(workspace: string, root: string): void {
  const maps = sharedMaps.map((name) => `${name}: { pin: shared }`).join(', ');
  write(
    workspace,
    'bpf.config.yaml',
    `version: 1
pin: { root: ${root} }
toolchain: { clang: clang-19 }
deploy: { lockTimeout: 120s }
maps: { ${maps} }
`,
  );
  for (const project of projects) {
    write(workspace, `${project}/package.json`, `{ "name": "${project}" }`);
    write(workspace, `${project}/x.bpf.c`, source);
    write(
      workspace,
      `${project}/bpf.config.yaml`,
      `version: 1
objects: { nxc: { source: x.bpf.c } }
programs:
  nxc_guard: { object: nxc, attach: [{ id: uplink, xdp: { interface: ${interfaceOf(project)} } }] }
  nxc_police: { object: nxc, attach: [{ id: police, tcx: { interface: ${common}, direction: ingress } }] }
`,
    );
  }
}

function write(workspace: string, file: string, text: string): void {
  const place = path.join(workspace, file);
  fs.mkdirSync(path.dirname(place), { recursive: true });
  fs.writeFileSync(place, text);
}

/** Compiles the program that all of them have: the path of its object. */
export function compileProgram(kernel: KernelSuite): string {
  return kernel.compile(source, { name: 'nxc' });
}

/** Makes the interfaces in the network namespace that this thread is in; they go with it. */
export function makeInterfaces(): void {
  for (const name of [common, ...projects.map(interfaceOf)]) makeInterface(name);
}

export function makeInterface(name: string): void {
  execFileSync('ip', ['link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}-far`]);
}

export function removeInterfaces(): void {
  for (const name of [common, ...projects.map(interfaceOf)]) {
    execFileSync('sh', ['-c', `ip link del ${name} 2>/dev/null; true`]);
  }
}

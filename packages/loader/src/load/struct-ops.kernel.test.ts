import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { mapDelete, mapInfo, mapUpdate, programInfo, runningKernel } from '../kernel';
import { parseObject } from '../object';
import { decodeRelocated, encodeRelocated, relocateObject, type RelocateOptions } from '../relocate';
import { loadObject, structOpsValue, type LoadedObject } from './index';

/** A congestion control whose struct is declared here: other members, in another order than any kernel's. */
const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
struct sock;
struct tcp_congestion_ops___mine {
  char name[16];
  unsigned int (*undo_cwnd)(struct sock *sk);
  void (*cong_avoid)(struct sock *sk, unsigned int ack, unsigned int acked);
  unsigned int (*ssthresh)(struct sock *sk);
  unsigned long nobody_has_this;
  unsigned int flags;
};
SEC("struct_ops/ssthresh") unsigned int BPF_PROG(ssthresh, struct sock *sk) { return 7; }
SEC("struct_ops/cong_avoid") void BPF_PROG(cong_avoid, struct sock *sk, int ack, int acked) {}
SEC("struct_ops/undo_cwnd") unsigned int BPF_PROG(undo_cwnd, struct sock *sk) { return 8; }
#define OPS(text) { .name = text, .flags = 2, .ssthresh = (void *)ssthresh, \\
                    .cong_avoid = (void *)cong_avoid, .undo_cwnd = (void *)undo_cwnd }
SEC(".struct_ops") struct tcp_congestion_ops___mine plain = OPS("nx_plain");
SEC(".struct_ops.link") struct tcp_congestion_ops___mine linked = OPS("nx_linked");
SEC("?.struct_ops.link") struct tcp_congestion_ops___mine spare = OPS("nx_spare");
SEC("struct_ops/ssthresh") unsigned int BPF_PROG(only_spare, struct sock *sk) { return 9; }
SEC("?.struct_ops") struct tcp_congestion_ops___mine other = {
  .name = "nx_other", .ssthresh = (void *)only_spare,
  .cong_avoid = (void *)cong_avoid, .undo_cwnd = (void *)undo_cwnd };
char LICENSE[] SEC("license") = "GPL";
`;

kernelSuite('struct_ops', (kernel) => {
  function load(options: RelocateOptions = {}): LoadedObject {
    const file = kernel.compile(source, { name: 'cc' });
    const relocated = relocateObject(
      parseObject(readFileSync(file), { name: 'cc' }),
      runningKernel(),
      options,
    );
    return loadObject(decodeRelocated(encodeRelocated(relocated)), options);
  }

  function value(loaded: LoadedObject, name: string): Uint8Array {
    const fds = new Map(loaded.programs.map(({ spec, fd }) => [spec.function, fd.number]));
    return structOpsValue(loaded.map(name).spec, (index) => fds.get(index));
  }

  test('what is marked with ? stays out, what is not is made of the kernel`s struct', () => {
    const loaded = load();
    try {
      expect(loaded.maps.map(({ spec }) => spec.name)).toEqual(['plain', 'linked']);
      expect(loaded.programs.map(({ spec }) => spec.name)).toEqual(['ssthresh', 'cong_avoid', 'undo_cwnd']);
      expect(loaded.programs.every(({ fd }) => programInfo(fd.number).type === 27)).toBe(true);
      expect(mapInfo(loaded.map('plain').fd.number)).toMatchObject({ type: 26, name: 'plain', flags: 0 });
      expect(mapInfo(loaded.map('linked').fd.number)).toMatchObject({ name: 'linked', flags: 1 << 13 });
    } finally {
      loaded.close();
    }
  });

  test('naming a program brings the variables that hold it, and their other programs', () => {
    const loaded = load({ programs: ['only_spare'] });
    try {
      expect(loaded.maps.map(({ spec }) => spec.name)).toEqual(['other']);
      expect(loaded.programs.map(({ spec }) => spec.name)).toEqual(['only_spare', 'cong_avoid', 'undo_cwnd']);
    } finally {
      loaded.close();
    }
  });

  test('the value that is prepared registers, and is what bpftool registers', () => {
    const loaded = load();
    try {
      const number = loaded.map('plain').fd.number;
      const key = new Uint8Array(4);
      mapUpdate(number, key, value(loaded, 'plain'));
      try {
        // bpftool 7.1 knows neither flavours nor links: its variable is declared as this kernel has it.
        expect(dump('plain')).toEqual(withBpftool());
      } finally {
        mapDelete(number, key);
      }
    } finally {
      loaded.close();
    }
  });

  /** What bpftool makes of the same congestion control, its programs by name. */
  function withBpftool(): Dumped {
    const header = path.join(kernel.directory, 'vmlinux.h');
    writeFileSync(header, bpftool(['btf', 'dump', 'file', '/sys/kernel/btf/vmlinux', 'format', 'c']));
    const file = kernel.compile(
      source
        .replace('#include <linux/bpf.h>', '#include "vmlinux.h"')
        .replace('struct sock;', '')
        .replace(/struct tcp_congestion_ops___mine \{[^}]*\};/, '')
        .replace(/SEC\("\.struct_ops\.link"\)[\s\S]*(?=char LICENSE)/, '')
        .replaceAll('tcp_congestion_ops___mine', 'tcp_congestion_ops')
        // Two congestion controls of one name cannot be there at once.
        .replace(' plain = OPS("nx_plain")', ' peer = OPS("nx_peer_")'),
      { name: 'peer', flags: [`-I${kernel.directory}`] },
    );
    bpftool(['struct_ops', 'register', file]);
    try {
      return dump('peer');
    } finally {
      bpftool(['struct_ops', 'unregister', 'name', 'peer']);
    }
  }
});

type Dumped = Readonly<Record<string, unknown>>;

/** The value of a registered struct_ops, as bpftool shows it; ids of programs are left out. */
function dump(name: string): Dumped {
  const [, value] = JSON.parse(bpftool(['-j', 'struct_ops', 'dump', 'name', name])) as [unknown, Dumped];
  const text = JSON.stringify(value)
    .replaceAll('nx_peer_', 'nx_plain')
    .replace(/prog_id:\d+/g, 'prog_id');
  return JSON.parse(text) as Dumped;
}

function bpftool(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('bpftool', args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`bpftool ${args.join(' ')}: ${stderr}`);
  return stdout;
}

import path from 'node:path';
import { Program } from '@nx-bpf/loader';
import { expect, test } from 'vitest';
import { CommandLine } from '../../../../../tools/testing/command-line';
import { kernelSuite } from '../../../../../tools/testing/kernel';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
struct event { __u64 big; __u32 serial; char comm[12]; };
const struct event *unused __attribute__((unused));
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } perf SEC(".maps");
__u32 serial;
SEC("xdp") int emit(struct xdp_md *ctx)
{
  struct event event = { .big = ~0ull, .serial = ++serial, .comm = "probe" };
  bpf_ringbuf_output(&ring, &event, sizeof(event), 0);
  bpf_ringbuf_output(&ring, &event, 4, 0);
  bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &event, sizeof(event));
  return XDP_PASS;
}
`;

kernelSuite('nx-bpf events', (kernel) => {
  const nxBpf = new CommandLine(kernel);
  const pins = (): string => path.join(kernel.bpffs, 'events');
  const emit = (): void => {
    const program = Program.open(path.join(pins(), 'emit'));
    program.testRun({ data: new Uint8Array(64) });
    program.close();
  };
  const event = { big: '18446744073709551615', serial: 1, comm: 'probe' };

  test('records are decoded by their size or by name, others are bytes; it ends cleanly', async () => {
    expect(nxBpf.run('load', kernel.compile(source, { name: 'events' }), '--pin', pins())).toMatchObject({
      status: 0,
    });
    try {
      emit();
      const ring = path.join(pins(), 'maps', 'ring');
      const first = nxBpf.run('events', ring, '--json', '--count', '2');
      expect(first).toMatchObject({ status: 0 });
      const lines = first.stdout.trim().split('\n');
      expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([event, 'ff ff ff ff']);

      // Without CAP_SYS_ADMIN the types of a loaded program are not to be had, but records are.
      emit();
      const least = ['setpriv', '--bounding-set', '-all,+bpf,+net_admin,+perfmon,+dac_override'];
      const bare = nxBpf.runAs(least, 'events', ring, '--json', '--count', '2');
      expect(bare).toMatchObject({ status: 0 });
      expect(bare.stdout).toContain('"ff ff ff ff ff ff ff ff 02 00 00 00 70 72 6f 62 65 ');
      expect(nxBpf.runAs(least, 'events', ring, '--type', 'event').stderr).toContain('take CAP_SYS_ADMIN');

      const watching = nxBpf.start('events', ring, '--type', 'struct event');
      emit();
      await watching.until('stdout', /serial: 3, comm: "probe"/);
      expect(await watching.interrupt()).toMatchObject({ status: 0, stderr: '0 bytes wait unread\n' });

      const perf = nxBpf.start(
        'events',
        path.join(pins(), 'maps', 'perf'),
        '--type',
        'event',
        '--json',
        '--count',
        '1',
      );
      // It is ready once it has put its buffers into the map.
      while (perf.stdout === '' && !perf.over) {
        emit();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const { status, stdout, stderr } = await perf.end();
      expect({ status, stderr }).toEqual({ status: 0, stderr: '0 records were lost\n' });
      expect(JSON.parse(stdout)).toMatchObject({
        cpu: expect.any(Number) as number,
        value: { comm: 'probe' },
      });

      expect(nxBpf.run('events', ring, '--type', 'struct evnt').stderr).toContain('did you mean event?');
      expect(nxBpf.run('events', path.join(pins(), 'maps', 'events_bss'))).toMatchObject({
        status: 5,
        stderr: expect.stringContaining('expected type ringbuf or perf_event_array') as string,
      });
    } finally {
      expect(nxBpf.run('unload', pins())).toMatchObject({ status: 0 });
    }
  });
});

import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { tinyProgram, type TinyProgram } from '../../../../tools/testing/tiny-program';
import { closeFd, mapCreate } from '../kernel';
import { AttachType, MapType, ProgramType } from '../object';
import { type Program } from '../runtime';
import { Link, type Attachment, type HookName, type HookOptions } from './index';

/** What docs/hooks.md says of a hook in the columns `update` and `detach`. */
function documented(hook: HookName): readonly (string | undefined)[] {
  const text = readFileSync(path.join(__dirname, '../../../../docs/hooks.md'), 'utf8');
  const row = text.split('\n').find((line) => new RegExp(`^\\| \`${hook}\` +\\| \\d`).test(line));
  return row!
    .split('|')
    .map((cell) => cell.trim())
    .slice(-3, -1);
}

interface Place {
  readonly interface: string;
  readonly cgroup: string;
  readonly map: { readonly fd: number };
}

/** A hook, a program for it, and how it is attached. */
interface Row {
  readonly hook: HookName;
  readonly tiny: TinyProgram;
  readonly attached: (program: Program, place: Place) => Link;
}

function row<H extends HookName>(hook: H, tiny: TinyProgram, options: (place: Place) => HookOptions[H]): Row {
  return { hook, tiny, attached: (program, place) => asLink(program.attach(hook, options(place))) };
}

function asLink(attached: Attachment): Link {
  if (attached instanceof Link) return attached;
  throw new Error(`${attached.describe()} is no link`);
}

/** Every hook of this kernel whose attachments are links. */
const hooksWithLinks: readonly Row[] = [
  row('xdp', { type: ProgramType.xdp, returns: 2 }, (place) => ({ interface: place.interface })),
  row('tcx', { type: ProgramType.sched_cls, returns: -1 }, (place) => ({
    interface: place.interface,
    direction: 'egress',
  })),
  row('netfilter', { type: ProgramType.netfilter, attachType: AttachType.netfilter, returns: 1 }, () => ({
    family: 'ipv4',
    hook: 'local_in',
  })),
  row('sk_lookup', { type: ProgramType.sk_lookup, attachType: AttachType.sk_lookup, returns: 1 }, () => ({})),
  row(
    'flow_dissector',
    { type: ProgramType.flow_dissector, attachType: AttachType.flow_dissector },
    () => ({}),
  ),
  row(
    'cgroup',
    { type: ProgramType.cgroup_skb, attachType: AttachType.cgroup_inet_egress, returns: 1 },
    (place) => ({ path: place.cgroup }),
  ),
  row('tracepoint', { type: ProgramType.tracepoint }, () => ({
    category: 'sched',
    name: 'sched_process_exec',
  })),
  row('raw_tracepoint', { type: ProgramType.raw_tracepoint }, () => ({ name: 'sched_process_exec' })),
  row(
    'tp_btf',
    { type: ProgramType.tracing, attachType: AttachType.trace_raw_tp, tracepoint: 'sched_process_exec' },
    () => ({}),
  ),
  row('perf_event', { type: ProgramType.perf_event }, () => ({ event: 'cpu-clock', frequency: 1 })),
  row('sk_msg', { type: ProgramType.sk_msg, attachType: AttachType.sk_msg_verdict, returns: 1 }, (place) => ({
    map: place.map,
  })),
  row('sk_skb', { type: ProgramType.sk_skb, attachType: AttachType.sk_skb_verdict, returns: 1 }, (place) => ({
    map: place.map,
  })),
];

kernelSuite('what a link of each hook can do', (kernel) => {
  test.each(hooksWithLinks)('$hook', async ({ hook, tiny, attached }) => {
    const [first, second] = [tinyProgram(tiny), tinyProgram({ ...tiny, name: 'second' })];
    const map = { fd: mapCreate({ map_type: MapType.sockmap, key_size: 4, value_size: 4, max_entries: 1 }) };
    await kernel.withCgroup((cgroup) =>
      kernel.withVeth((veth) => {
        const place = { interface: veth.interface, cgroup, map };
        const link = attached(first, place);
        expect([link.hook, link.info().programId]).toEqual([hook, first.id]);
        const [update, detach] = documented(hook);
        if (update === 'swap') {
          const wrong = () => link.update(second, second);
          expect(wrong).toThrow(expect.objectContaining({ code: 'ATTACH_CONFLICT' }));
          link.update(second, first);
          expect(link.info().programId).toBe(second.id);
        } else {
          expect(update).toBe('replace');
          const refused = expect.stringMatching(/update to program 'second': .*cannot be updated/);
          expect(() => link.update(second)).toThrow(
            expect.objectContaining({ code: 'ATTACH_FAILED', message: refused }),
          );
          expect(link.info().programId).toBe(first.id);
        }
        const pin = path.join(kernel.bpffs, hook);
        link.pin(pin);
        link.close();
        const opened = Link.open(pin);
        expect([opened.id, opened.hook]).toEqual([link.id, hook]);
        if (detach === 'yes') opened.detach();
        else {
          expect(detach).toBe('no');
          const refused = expect.stringContaining('detach when they are closed and their pins are removed');
          expect(() => opened.detach()).toThrow(
            expect.objectContaining({ code: 'ATTACH_FAILED', message: refused }),
          );
        }
        rmSync(pin);
        opened.close();
      }),
    );
    closeFd(map.fd);
    for (const program of [first, second]) program.close();
  });
});

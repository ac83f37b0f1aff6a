import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { kernelConfig } from '../kernel';
import { hookNames, hooks, probeHook, probeHooks, type HookName } from './index';

/** What a hook is built from, of those that kernels are built without. */
const options: Readonly<Partial<Record<HookName, string>>> = {
  tcx: 'CONFIG_NET_XGRESS',
  netkit: 'CONFIG_NETKIT',
  netfilter: 'CONFIG_NETFILTER_BPF_LINK',
  lwt: 'CONFIG_LWTUNNEL_BPF',
  cgroup: 'CONFIG_CGROUP_BPF',
  kprobe: 'CONFIG_KPROBE_EVENTS',
  kretprobe: 'CONFIG_KPROBE_EVENTS',
  ksyscall: 'CONFIG_KPROBE_EVENTS',
  kretsyscall: 'CONFIG_KPROBE_EVENTS',
  kprobe_multi: 'CONFIG_FPROBE',
  kretprobe_multi: 'CONFIG_FPROBE',
  kprobe_session: 'CONFIG_FPROBE',
  uprobe: 'CONFIG_UPROBE_EVENTS',
  uretprobe: 'CONFIG_UPROBE_EVENTS',
  usdt: 'CONFIG_UPROBE_EVENTS',
  uprobe_multi: 'CONFIG_UPROBE_EVENTS',
  uretprobe_multi: 'CONFIG_UPROBE_EVENTS',
};

/** Hooks that a kernel may refuse whatever it is built with, as this one may; the others follow from the options. */
const byTrampoline: readonly HookName[] = ['fentry', 'fexit', 'fmod_ret', 'freplace', 'lsm'];

kernelSuite('probes of hooks', () => {
  test('of every hook it can be told, and a reason is given unless it attaches', () => {
    const probes = probeHooks();
    expect([...probes.keys()]).toEqual(hookNames);
    for (const [name, { loads, attaches, reason }] of probes) {
      expect([name, loads, attaches]).toEqual([name, expect.any(Boolean), expect.any(Boolean)]);
      expect([name, reason === undefined]).toEqual([name, attaches]);
      if (attaches === true) expect([name, loads]).toEqual([name, true]);
    }
  });

  test.each(hookNames.filter((name) => !byTrampoline.includes(name)))(
    '%s: attaches if the kernel is built so',
    (name) => {
      const option = options[name];
      const built = option === undefined || ['y', 'm'].includes(kernelConfig().get(option) ?? '');
      expect([probeHook(name).attaches, hooks[name].since]).toEqual([built, hooks[name].since]);
    },
  );

  test('hooks inside functions of the kernel agree with each other', () => {
    expect(new Set(byTrampoline.map((name) => probeHook(name).attaches)).size).toBe(1);
  });

  test('an answer is kept', () => {
    expect(probeHook('xdp')).toBe(probeHook('xdp'));
  });
});

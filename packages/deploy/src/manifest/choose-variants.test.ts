import { BpfError } from '@nx-bpf/loader/errors';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { choiceText, chooseVariants } from './choose-variants';
import { unmetConditions, type HostFacts } from './conditions';
import { loadProject } from './load-project';

let workspaceRoot = '';
beforeAll(() => {
  workspaceRoot = fs.mkdtempSync(path.join(tmpdir(), 'nx-bpf-variants-'));
});
afterAll(() => fs.rmSync(workspaceRoot, { recursive: true, force: true }));

function load(text: string, environment?: string) {
  fs.writeFileSync(
    path.join(workspaceRoot, 'bpf.config.yaml'),
    `version: 1\nprojects:\n  p:\n    root: .\n${text}`,
  );
  return loadProject({ workspaceRoot, project: 'p', environment });
}

function problemsOf(action: () => unknown): readonly string[] {
  try {
    action();
  } catch (error) {
    if (error instanceof BpfError) return [error.code, ...(error.fields.problems ?? [])];
  }
  throw new Error('nothing was wrong');
}

const facts: HostFacts = {
  kernel: [6, 1, 4],
  hook: (name) => ({
    attaches: name !== 'fentry',
    reason: name === 'fentry' ? 'the kernel does not load a program for it (EPERM)' : undefined,
  }),
  feature: (name) => (name === 'tokens' ? undefined : name !== 'btfEnum64'),
  function: (name) => name === 'vfs_read',
  kconfig: (option) => (option === 'CONFIG_BPF' ? 'y' : 'n'),
};

test.each([
  [{}, []],
  [{ kernel: '>=6.1' }, []],
  [{ kernel: '>=6.1.4' }, []],
  [{ kernel: '>=6.1.5' }, ['kernel >=6.1.5: found 6.1.4']],
  [{ kernel: '<6.1' }, ['kernel <6.1: found 6.1.4']],
  [{ kernel: '<6.2' }, []],
  [{ kernel: '>=5.19' }, []],
  [{ kernel: '<10.0' }, []],
  [{ hook: 'xdp' }, []],
  [{ hook: 'fentry' }, ['hook fentry: the kernel does not load a program for it (EPERM)']],
  [{ feature: 'cookie' }, []],
  [{ feature: 'btfEnum64' }, ['feature btfEnum64: the kernel does not have it']],
  [{ feature: 'tokens' }, ['feature tokens: it cannot be told']],
  [{ function: 'vfs_read' }, []],
  [{ function: 'vfs_raed' }, ['function vfs_raed: the kernel does not have it']],
  [{ kconfig: 'CONFIG_BPF=y' }, []],
  [{ kconfig: 'CONFIG_NETKIT=n' }, []],
  [{ kconfig: 'CONFIG_NETKIT=y' }, ['kconfig CONFIG_NETKIT=y: found n']],
  [
    { hook: 'xdp', kernel: '<5.0', function: 'gone' },
    ['kernel <5.0: found 6.1.4', 'function gone: the kernel does not have it'],
  ],
] as const)('conditions %o: what does not hold is %o', (when, unmet) => {
  expect(unmetConditions(when, facts)).toEqual(unmet);
});

test('an option of a kernel whose configuration cannot be read does not hold', () => {
  const unread = { ...facts, kconfig: () => undefined };
  expect(unmetConditions({ kconfig: 'CONFIG_BPF=n' }, unread)).toEqual([
    'kconfig CONFIG_BPF=n: it cannot be told',
  ]);
});

const execs = `
    objects: { exec: {}, other: {} }
    programs:
      execs:
        object: exec
        variants:
          - { name: fast, when: { hook: fentry }, function: on_fentry, attach: [{ fentry: {} }] }
          - { when: { kernel: '>=7.0' }, object: other }
          - { name: old, function: on_tracepoint, attach: [{ id: old, tracepoint: {} }] }
    environments:
      dev: {}
      prod:
        programs: { execs: { variants: [{ name: fast, when: { hook: xdp } }] } }
`;

test("the first that holds is the program; what it leaves out is the program's", () => {
  const config = load(execs, 'dev');
  expect(
    config.programs['execs']!.variants.map(({ name, object, function: entry }) => [name, object, entry]),
  ).toEqual([
    ['fast', 'exec', 'on_fentry'],
    ['variant-2', 'other', 'execs'],
    ['old', 'exec', 'on_tracepoint'],
  ]);
  const chosen = chooseVariants(config, facts);
  expect(chosen.programs['execs']).toMatchObject({ object: 'exec', function: 'on_tracepoint', variants: [] });
  expect(chosen.programs['execs']!.attach.map(({ id, hook }) => [id, hook])).toEqual([['old', 'tracepoint']]);
  expect(choiceText('execs', chosen.choices['execs']!)).toBe(
    'program execs: variant old (fast does not hold: hook fentry: the kernel does not load a program for it (EPERM); ' +
      'variant-2 does not hold: kernel >=7.0: found 6.1.4)',
  );
});

test('an environment changes a variant by its name, and keeps their order', () => {
  const chosen = chooseVariants(load(execs, 'prod'), facts);
  expect(chosen.programs['execs']!.function).toBe('on_fentry');
  expect(chosen.programs['execs']!.attach.map(({ id, hook }) => [id, hook])).toEqual([
    ['execs-fentry', 'fentry'],
  ]);
  expect(chosen.choices).toEqual({ execs: { variant: 'fast', passedOver: [] } });
});

test('none holds: every condition is told; an optional program is left out', () => {
  const none = (optional: boolean) => `
    objects: { exec: {} }
    programs:
      a: { optional: ${optional}, variants: [{ name: x, when: { hook: fentry, kernel: '<6.0' } }] }
      b: { optional: ${optional}, variants: [{ when: { kconfig: CONFIG_NETKIT=y } }] }
      c: {}
`;
  expect(problemsOf(() => chooseVariants(load(none(false)), facts))).toEqual([
    'VARIANT_UNAVAILABLE',
    'a: x: kernel <6.0: found 6.1.4, hook fentry: the kernel does not load a program for it (EPERM)',
    'b: variant-1: kconfig CONFIG_NETKIT=y: found n',
  ]);
  const chosen = chooseVariants(load(none(true)), facts);
  expect(Object.keys(chosen.programs)).toEqual(['c']);
  expect(chosen.choices['a']!.variant).toBe(null);
});

test('all that is wrong with variants at once', () => {
  const [code, ...problems] = problemsOf(() =>
    load(`
    objects: { exec: {} }
    programs:
      a:
        variants:
          - { object: exce }
          - { name: last, attach: [{ id: other, xdp: {} }] }
      b: { optional: true, attach: [{ id: other, xdp: { interface: eth0 } }] }
`),
  );
  expect(code).toBe('MANIFEST_INVALID');
  const texts = problems.map((problem) => problem.replace(/^\S+ /, ''));
  expect(texts).toEqual([
    expect.stringMatching(/^programs\.a\.variants\.variant-1.*it always holds, so 'last' is never used/),
    expect.stringMatching(
      /^programs\.a\.variants\.variant-1.*no object is named 'exce'; did you mean 'exec'\?/,
    ),
    expect.stringMatching(/^programs\.a\.variants\.last\.attach\.other.*xdp\.interface is missing/),
    expect.stringMatching(/^programs\.b\.optional: it says nothing here/),
    expect.stringMatching(/^programs\.b\.attach\.other.*the id is that of an attachment of 'a' too/),
  ]);
});

test('conditions are checked as they are written', () => {
  const [, ...problems] = problemsOf(() =>
    load(`
    objects: { exec: {} }
    programs:
      a: { variants: [{ when: { hook: fentri, kernel: '6.6', kconfig: NETKIT } }] }
`),
  );
  expect(problems).toHaveLength(3);
  expect(problems.join('\n')).toMatch(/fentry/);
});

test('what is chosen cannot be beside what is not', () => {
  const config = load(`
    objects: { edge: {} }
    programs:
      a: { attach: [{ id: a, tcx: { interface: eth0, before: b } }] }
      b:
        variants:
          - { name: new, when: { kernel: '>=7.0' }, attach: [{ id: b, tcx: { interface: eth0 } }] }
          - { name: old }
`);
  expect(problemsOf(() => chooseVariants(config, facts)).join()).toContain(
    "no attachment of the project has the id 'b'",
  );
});

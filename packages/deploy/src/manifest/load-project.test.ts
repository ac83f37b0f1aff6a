import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { BpfError } from '@nx-bpf/loader';
import { at } from './config';
import { hookNames } from './hooks';
import { loadProject, type LoadOptions } from './load-project';

const made: string[] = [];

/** A workspace on disk; text that begins with a line break is taken without its indentation. */
function workspace(files: Record<string, string>): string {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'manifest-'));
  made.push(root);
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), dedent(text));
  }
  return root;
}

function dedent(text: string): string {
  const indent = /^\n( *)/.exec(text)?.[1] ?? '';
  return text.replace(/^\n/, '').replaceAll(new RegExp(`^${indent}`, 'gm'), '');
}

afterEach(() => {
  for (const root of made.splice(0)) fs.rmSync(root, { recursive: true });
});

function load(files: Record<string, string>, options: Omit<LoadOptions, 'workspaceRoot'> = {}) {
  return loadProject({ workspaceRoot: workspace(files), ...options });
}

function failure(files: Record<string, string>, options: Omit<LoadOptions, 'workspaceRoot'> = {}): BpfError {
  try {
    load(files, options);
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('no error');
}

const problemsOf = (text: string): readonly string[] | undefined => {
  const { code, fields } = failure({ 'a/bpf.config.yaml': text });
  expect(code).toBe('MANIFEST_INVALID');
  return fields.problems;
};

const edge = `
  version: 1
  objects:
    edge: { source: src/edge.bpf.c, constants: { sample_rate: 1, addresses: [1, 2] } }
  maps:
    blocklist: { maxEntries: 65536, pin: project }
    events: { maxEntries: 4MiB }
    edge.rodata: { pin: none }
  programs:
    edge_guard:
      object: edge
      attach:
        - { id: uplink, xdp: { interface: eth0, mode: native } }
        - { id: second, xdp: { interface: eth1 } }
  environments:
    dev:
    prod:
      objects: { edge: { constants: { sample_rate: 100, addresses: [3] } } }
      maps: { blocklist: { maxEntries: 1048576 } }
      programs: { edge_guard: { attach: [{ id: uplink, netns: lab, xdp: { interface: bond0 } }] } }
`;

describe('a project in an environment', () => {
  test.each(['acme.agent', '..', 'a b', 'a'.repeat(129)])('a project cannot be called %j', (name) => {
    const { code, message } = failure({
      'a/package.json': JSON.stringify({ name }),
      'a/bpf.config.yaml': 'version: 1\n',
    });
    expect(code).toBe('MANIFEST_INVALID');
    expect(message).toContain(`the project is called '${name}', expected a name of letters`);
  });

  test('defaults are filled in, units resolved, paths absolute', () => {
    const root = workspace({ 'packages/agent/bpf.config.yaml': edge });
    const config = loadProject({ workspaceRoot: root });
    expect(config).toMatchObject({
      workspaceRoot: root,
      project: 'agent',
      projectRoot: path.join(root, 'packages/agent'),
      environment: 'dev',
      environments: ['dev', 'prod'],
      toolchain: { clang: 'clang', mcpu: 'v3', cflags: [], vmlinux: { kind: 'kernel' } },
      pin: { root: '/sys/fs/bpf/nx-bpf', mode: 0o700 },
      deploy: { keepGenerations: 2, lockTimeoutMs: 30_000 },
      files: [path.join(root, 'packages/agent/bpf.config.yaml')],
    });
    expect(config.objects).toEqual({
      edge: {
        source: path.join(root, 'packages/agent/src/edge.bpf.c'),
        constants: { sample_rate: 1, addresses: [1, 2] },
        carry: [],
        cflags: [],
        includes: [],
      },
    });
    expect(config.maps['events']).toEqual({
      maxEntries: 4 << 20,
      pin: 'project',
      migrate: 'refuse',
      copy: { allowDropped: [], sum: [] },
      protect: false,
      contents: undefined,
      optional: false,
    });
    expect(config.programs['edge_guard']).toEqual({
      object: 'edge',
      function: 'edge_guard',
      variants: [],
      optional: false,
      budgets: {},
      attach: [
        {
          id: 'second',
          optional: false,
          replace: 'make-before-break',
          netns: null,
          hook: 'xdp',
          options: { interface: 'eth1', mode: 'auto' },
        },
        {
          id: 'uplink',
          optional: false,
          replace: 'make-before-break',
          netns: null,
          hook: 'xdp',
          options: { interface: 'eth0', mode: 'native' },
        },
      ],
    });
  });

  test('layers: defaults < root < project < environment of the root < of the project < --set', () => {
    const files = {
      'bpf.config.yaml': `
        toolchain: { mcpu: v2, cflags: [-Wall] }
        deploy: { keepGenerations: 3, lockTimeout: 5s }
        environments: { prod: { deploy: { keepGenerations: 5, lockTimeout: 1m }, toolchain: { mcpu: v4 } } }
      `,
      'agent/bpf.config.yaml': `
        toolchain: { cflags: [-Werror] }
        deploy: { keepGenerations: 4 }
        environments: { prod: { deploy: { keepGenerations: 6 } } }
      `,
    };
    const generations = (options: Omit<LoadOptions, 'workspaceRoot'>) =>
      load(files, options).deploy.keepGenerations;
    expect(generations({ environment: 'prod' })).toBe(6);
    expect(
      generations({ environment: 'prod', set: ['deploy.keepGenerations=7', 'deploy.keepGenerations=8'] }),
    ).toBe(8);
    const prod = load(files, { environment: 'prod' });
    expect(prod.deploy.lockTimeoutMs).toBe(60_000);
    expect(prod.toolchain).toMatchObject({ mcpu: 'v4', cflags: ['-Werror'] });
  });

  test('maps merge by key, attach lists by id, other lists are replaced', () => {
    const config = load({ 'a/bpf.config.yaml': edge }, { environment: 'prod' });
    expect(config.objects['edge']?.constants).toEqual({ sample_rate: 100, addresses: [3] });
    expect(config.programs['edge_guard']?.attach).toEqual([
      {
        id: 'second',
        optional: false,
        replace: 'make-before-break',
        netns: null,
        hook: 'xdp',
        options: { interface: 'eth1', mode: 'auto' },
      },
      {
        id: 'uplink',
        optional: false,
        replace: 'make-before-break',
        netns: 'lab',
        hook: 'xdp',
        options: { interface: 'bond0', mode: 'native' },
      },
    ]);
  });

  test('null removes: a value, a whole entry, an attachment through its hook', () => {
    const config = load(
      { 'a/bpf.config.yaml': edge },
      {
        set: [
          'maps.blocklist.maxEntries=null',
          'maps.events=null',
          'toolchain.mcpu=null',
          'programs.edge_guard.attach.uplink.xdp=null',
        ],
      },
    );
    expect(config.maps['blocklist']?.maxEntries).toBeUndefined();
    expect(Object.keys(config.maps)).toEqual(['blocklist', 'edge.rodata']);
    expect(config.toolchain.mcpu).toBe('v3');
    expect(config.programs['edge_guard']?.attach.map(({ id }) => id)).toEqual(['second']);
  });

  test('--set reaches a map with a dot in its name, in quotes, and any YAML value', () => {
    const config = load(
      { 'a/bpf.config.yaml': edge },
      { set: ['maps."edge.rodata".pin={ path: /sys/fs/bpf/rodata }', 'objects.edge.cflags=[-DA=1, -DB]'] },
    );
    expect(config.maps['edge.rodata']?.pin).toEqual({ path: '/sys/fs/bpf/rodata' });
    expect(config.objects['edge']?.cflags).toEqual(['-DA=1', '-DB']);
  });

  test('an empty attach list in an environment means: only loaded', () => {
    const config = load({ 'a/bpf.config.yaml': edge }, { set: ['programs.edge_guard.attach=[]'] });
    expect(config.programs['edge_guard']?.attach).toEqual([]);
  });

  test('the id of an only attachment is the program and the hook', () => {
    const text = `
      objects: { x: {} }
      programs: { watch: { attach: [{ tp_btf: {} }] }, idle: {} }
    `;
    const { programs } = load({ 'a/bpf.config.yaml': text });
    expect(programs['watch']).toMatchObject({
      object: 'x',
      attach: [{ id: 'watch-tp_btf', hook: 'tp_btf', options: {} }],
    });
    expect(programs['idle']?.attach).toEqual([]);
  });

  test('a project under `projects` at the root, its own file on top', () => {
    const root = workspace({
      'bpf.config.yaml': `
        maps: { all: { maxEntries: 1 }, named: { maxEntries: 2 } }
        projects:
          agent: { objects: { edge: {} }, maps: { named: { migrate: recreate } } }
          tool: { root: ., objects: { t: {} } }
      `,
      'packages/agent/bpf.config.yaml': 'objects: { edge: { cflags: [-DX=1] } }',
    });
    const agent = loadProject({ workspaceRoot: root, project: 'agent' });
    expect(agent.objects['edge']).toMatchObject({
      source: path.join(root, 'packages/agent/src/edge.bpf.c'),
      cflags: ['-DX=1'],
    });
    expect(agent.files.map((file) => path.relative(root, file))).toEqual([
      'bpf.config.yaml',
      'packages/agent/bpf.config.yaml',
    ]);
    expect(agent.maps['all']).toMatchObject({ optional: true, pin: 'project' });
    expect(agent.maps['named']).toMatchObject({
      optional: false,
      pin: 'project',
      maxEntries: 2,
      migrate: 'recreate',
    });
    expect(loadProject({ workspaceRoot: root, project: 'tool' }).objects['t']?.source).toBe(
      path.join(root, 'src/t.bpf.c'),
    );
  });

  test('64-bit constants keep their digits', () => {
    const text = 'objects: { x: { constants: { mask: 0xffffffffffffffff, low: -9223372036854775808 } } }';
    expect(load({ 'a/bpf.config.yaml': text }).objects['x']?.constants).toEqual({
      mask: 0xffffffffffffffffn,
      low: -9223372036854775808n,
    });
  });

  test('the revision is the same in another checkout, and another after any change', () => {
    const revision = (options: Omit<LoadOptions, 'workspaceRoot'> = {}) =>
      load({ 'a/bpf.config.yaml': edge }, options).revision;
    expect(revision()).toMatch(/^[0-9a-f]{64}$/);
    expect(revision()).toBe(revision());
    expect(revision()).not.toBe(revision({ environment: 'prod' }));
    expect(revision()).not.toBe(revision({ set: ['objects.edge.constants.sample_rate=2'] }));
  });

  test('every value knows where it was written', () => {
    const config = load(
      { 'bpf.config.yaml': 'pin: { mode: "0750" }', 'a/bpf.config.yaml': edge },
      { environment: 'prod', set: ['maps.events.migrate=recreate'] },
    );
    const place = (of: string) => {
      const { file, line, column, layer } = config.origins[of]!;
      return `${file}:${line}:${column} ${layer}`;
    };
    expect(place('pin.mode')).toBe('bpf.config.yaml:1:14 root');
    expect(place('objects.edge.constants.sample_rate')).toBe('a/bpf.config.yaml:17:50 project environment');
    expect(place('programs.edge_guard.attach.uplink.xdp.mode')).toBe('a/bpf.config.yaml:12:53 project');
    expect(place('maps.events.migrate')).toBe('--set maps.events.migrate:0:0 --set');
    expect(place('maps.events.pin')).toBe(':0:0 default');
    // What has no place of its own has that of what is around it.
    expect(at(config, 'maps.events.pin')).toMatchObject({ line: 6, column: 3 });
    expect(at(config, 'programs.edge_guard.attach.uplink.xdp.nothing')).toMatchObject({
      layer: 'project',
      line: 12,
    });
    expect(at(config, 'nothing.at.all')).toBeUndefined();
  });
});

describe('what is wrong is said all at once, with its place', () => {
  test('unknown keys, wrong types, bad names, bad units', () => {
    expect(
      problemsOf(`
        objcts: {}
        objects:
          bad name: {}
          edge: { source: 7, constant: {} }
        maps:
          m: { maxEntries: 4 MB, pin: projcet, migrate: recraete }
          n: { maxEntries: 0 }
        pin: { mode: 0700, root: relative }
        deploy: { lockTimeout: 30 }
        version: 2
        programs:
          p: { attach: [{ xdp: { interfaec: eth0 } }] }
          q: 5
      `),
    ).toEqual([
      "a/bpf.config.yaml:1:1: unknown key 'objcts'; did you mean 'objects'?",
      "a/bpf.config.yaml:3:3: bad name 'bad name' in objects: expected a name of letters, digits, _ and -",
      'a/bpf.config.yaml:4:19: objects.edge.source: found 7, expected the path of a C file, relative and within the workspace',
      "a/bpf.config.yaml:4:22: unknown key 'constant' in objects.edge; did you mean 'constants'?",
      "a/bpf.config.yaml:6:20: maps.m.maxEntries: found '4 MB', expected a number from 1, or a size such as 4MiB",
      "a/bpf.config.yaml:6:31: maps.m.pin: found 'projcet', expected none, project, shared or { path: ... }; did you mean 'project'?",
      "a/bpf.config.yaml:6:49: maps.m.migrate: found 'recraete', expected refuse, recreate, copy or { copy: ... }; did you mean 'recreate'?",
      'a/bpf.config.yaml:7:20: maps.n.maxEntries: found 0, expected a number from 1, or a size such as 4MiB',
      'a/bpf.config.yaml:8:14: pin.mode: found 700, expected an octal mode in quotes, such as "0700"',
      "a/bpf.config.yaml:8:26: pin.root: found 'relative', expected an absolute path, its names of letters, digits, _ and -",
      'a/bpf.config.yaml:9:24: deploy.lockTimeout: found 30, expected a duration such as 30s',
      'a/bpf.config.yaml:10:10: version: found 2, expected 1, the only version there is',
      "a/bpf.config.yaml:12:26: unknown key 'interfaec' in programs.p.attach[0].xdp; did you mean 'interface'?",
      'a/bpf.config.yaml:13:6: programs.q: found 5, expected a map of keys',
    ]);
  });

  test('what is missing or does not fit together', () => {
    expect(
      problemsOf(`
        objects: { edge: {}, exec: {} }
        maps: { a.b: {}, a_b: {} }
        programs:
          one: { object: edgy, attach: [{ id: x, xdp: {} }] }
          two: { attach: [{ id: x, tcx: { interface: eth0, direction: ingress }, xdp: { interface: eth0 } }] }
          three: { object: exec, attach: [{ id: x, tp_btf: {} }, { id: x, tp_btf: {} }, { tp_btf: {} }] }
          four: { object: exec, attach: [{ id: y }] }
          five: { object: exec, attach: [{ id: x, tp_btf: {} }] }
      `),
    ).toEqual([
      "a/bpf.config.yaml:2:23: maps.a_b: 'a_b' and 'a.b' in maps are both pinned as 'a_b': rename one",
      "a/bpf.config.yaml:4:18: programs.one.object: no object is named 'edgy'; did you mean 'edge'?",
      'a/bpf.config.yaml:4:33: programs.one.attach.x: xdp.interface is missing: name of the network interface',
      "a/bpf.config.yaml:4:33: programs.one.attach.x: the id is that of an attachment of 'five' too: ids are unique in a project",
      'a/bpf.config.yaml:5:8: programs.two: object is missing: one of edge, exec',
      'a/bpf.config.yaml:5:19: programs.two.attach.x: found xdp and tcx, expected one hook; null removes one that comes from elsewhere',
      "a/bpf.config.yaml:6:35: programs.three.attach.x: the id is that of an attachment of 'one' too: ids are unique in a project",
      "a/bpf.config.yaml:6:58: programs.three.attach: the id 'x' is there twice",
      'a/bpf.config.yaml:6:81: programs.three.attach: several entries: give each an id',
      `a/bpf.config.yaml:7:34: programs.four.attach.y: found no hook, expected one of ${[...hookNames].sort().join(', ')}`,
    ]);
  });

  test.each([
    ['objects: {}\nobjects: {}', "2:1: key 'objects' is there twice"],
    ['a: &x 1\nb: *x', '1:7: anchors (&name) are not allowed'],
    ['objects: *x', '1:10: aliases (*name) are not allowed: write the value out'],
    ['objects: !!map {}', '1:16: tags (tag:yaml.org,2002:map) are not allowed'],
    ['objects: !run {}', '1:10: tags are not allowed'],
    ['objects: {<<: {}}', "1:11: '<<' is not allowed as a key"],
    ['objects: {__proto__: {}}', "1:11: '__proto__' is not allowed as a key"],
    ['objects: {1: {}}', '1:11: a key has to be text: put it in quotes'],
    [`objects: ${'['.repeat(40)}${']'.repeat(40)}`, '1:34: nested more than 24 levels deep'],
    [`objects: ${'['.repeat(50_000)}${']'.repeat(50_000)}`, '1:1: nested too deeply'],
    [`${'? '.repeat(1300)}\n`.repeat(60), '1:1: nested too deeply'],
    ['objects: { x: { constants: { a: .inf } } }', '1:33: not a value that a manifest can hold'],
    ['objects: [', '1:11: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    [`# ${'x'.repeat(1 << 20)}`, '1:1: the file is longer than 1048576 characters'],
    ['just text', "1:1: : found 'just text', expected a map of keys"],
    ['projects: {}', "1:1: 'projects' belongs in the root file"],
  ])('%.40s', (text, problem) => {
    expect(problemsOf(text)).toContain(`a/bpf.config.yaml:${problem}`);
  });

  test('options of hooks, and neighbours', () => {
    expect(
      problemsOf(`
        version: 1
        objects: { edge: {} }
        programs:
          a: { attach: [{ id: a, tcx: { interface: eth0, before: bb } }] }
          b: { attach: [{ id: b, tcx: { interface: eth0, after: c } }] }
          c: { attach: [{ id: c, tcx: { interface: eth0, after: b } }] }
          d: { attach: [{ id: d, cgroup: { path: agent, before: b }, netns: lab }] }
      `),
    ).toEqual([
      "a/bpf.config.yaml:4:17: programs.a.attach.a: no attachment of the project has the id 'bb'; did you mean 'b'?",
      'a/bpf.config.yaml:5:17: programs.b.attach.b: it is to be attached beside one that waits for it itself',
      'a/bpf.config.yaml:6:17: programs.c.attach.c: it is to be attached beside one that waits for it itself',
      'a/bpf.config.yaml:7:17: programs.d.attach.d: netns says nothing here: cgroup is not in a network namespace',
      "a/bpf.config.yaml:7:17: programs.d.attach.d: 'b' is attached to tcx, not to cgroup",
    ]);
    expect(
      problemsOf(`
        version: 1
        objects: { edge: {} }
        programs:
          a:
            attach:
              - { id: a, netfilter: { family: ipv4, hook: forward, priority: soon, defrag: 1 } }
              - { id: b, tp_btf: { cookie: 0x10000000000000000 } }
              - { id: c, tp_btf: { cookie: '18446744073709551616' } }
              - { id: d, tp_btf: { cookie: '0xffffffffffffffff' } }
              - { id: e, iter: { pid: 1 } }
      `),
    ).toEqual([
      "a/bpf.config.yaml:6:70: programs.a.attach[0].netfilter.priority: found 'soon', expected a whole number",
      'a/bpf.config.yaml:6:84: programs.a.attach[0].netfilter.defrag: found 1, expected true or false',
      'a/bpf.config.yaml:7:36: programs.a.attach[1].tp_btf.cookie: found 18446744073709551616, expected a number from 0 to 2^64 - 1, in quotes beyond 2^53',
      "a/bpf.config.yaml:8:36: programs.a.attach[2].tp_btf.cookie: found '18446744073709551616', expected a number from 0 to 2^64 - 1, in quotes beyond 2^53",
      "a/bpf.config.yaml:10:26: no key of a manifest: 'pid' in programs.a.attach[4].iter; it means something only to a running process, not to a file: attachIter() of @nx-bpf/loader takes it",
    ]);
    expect(
      problemsOf(`
        version: 1
        objects: { edge: {} }
        programs:
          a:
            attach:
              - { id: a, socket_filter: { socket: 3 } }
              - { id: b, sk_reuseport: {} }
              - { id: c, struct_ops: {} }
              - { id: d, tcx: { interface: eth0, netns: edge } }
      `),
    ).toEqual([
      "a/bpf.config.yaml:6:18: no key of a manifest: 'socket_filter' in programs.a.attach[0]; socket_filter takes a socket that is open, which a file cannot name: attach it from TypeScript, with attachSocketFilter() of @nx-bpf/loader, in the process that has the socket",
      "a/bpf.config.yaml:7:18: no key of a manifest: 'sk_reuseport' in programs.a.attach[1]; sk_reuseport takes a socket that is open, which a file cannot name: attach it from TypeScript, with attachSkReuseport() of @nx-bpf/loader, in the process that has the socket",
      "a/bpf.config.yaml:8:18: no key of a manifest: 'struct_ops' in programs.a.attach[2]; struct_ops attaches a variable, not a program: name it under structOps, beside programs",
      "a/bpf.config.yaml:9:42: no key of a manifest: 'netns' in programs.a.attach[3].tcx; netns is said beside tcx, not in it",
    ]);
  });

  test('both files in one error, which also carries the place of the first problem', () => {
    const error = failure({ 'bpf.config.yaml': 'objects: {}\nmap: {}', 'a/bpf.config.yaml': 'maps: 1' });
    expect(error.message).toBe(
      [
        '3 problems in the manifest',
        '  a/bpf.config.yaml:1:7: maps: found 1, expected a map of names',
        "  bpf.config.yaml:1:1: 'objects' belongs in a project's file, or under projects.<name>",
        "  bpf.config.yaml:2:1: unknown key 'map'; did you mean 'maps'?",
      ].join('\n'),
    );
    expect(error.fields).toMatchObject({ file: 'a/bpf.config.yaml', line: 1, column: 7 });
    expect(error.exitStatus).toBe(3);
  });

  test('--set is checked like a file', () => {
    const { fields } = failure(
      { 'a/bpf.config.yaml': edge },
      { set: ['maps.events.maxEntrys=3', 'pin.root={'] },
    );
    expect(fields.problems).toEqual([
      "--set maps.events.maxEntrys: unknown key 'maxEntrys' in maps.events; did you mean 'maxEntries'?",
      "--set pin.root: '{' is not a YAML value",
    ]);
    expect(failure({ 'a/bpf.config.yaml': edge }, { set: ['nonsense'] }).code).toBe('USAGE');
  });

  test('an unknown environment lists those there are', () => {
    const error = failure({ 'a/bpf.config.yaml': edge }, { environment: 'prd' });
    expect(error.code).toBe('ENVIRONMENT_UNKNOWN');
    expect(error.message).toBe(
      "project 'a' has no environment 'prd'; did you mean 'prod'? there are dev, prod",
    );
    const none = failure({ 'a/bpf.config.yaml': 'environments: { east: {}, west: {} }' });
    expect(none.message).toBe(
      "project 'a': no environment is named; there are east, west: name one, or set defaultEnvironment in the manifest",
    );
  });
});

describe('paths stay in the workspace', () => {
  test.each([
    ['/etc/passwd', "'/etc/passwd' is an absolute path: write it relative to the workspace's files"],
    ['../../etc/passwd', "'../../etc/passwd' is outside the workspace"],
    ['out/passwd', /^'out\/passwd' leads outside the workspace through a symbolic link, to /],
    ['dangling', /^'dangling' leads outside the workspace through a symbolic link, to /],
  ])('%s', (source, problem) => {
    const root = workspace({ 'a/bpf.config.yaml': `objects: { x: { source: ${source} } }` });
    fs.symlinkSync(os.tmpdir(), path.join(root, 'a/out'));
    fs.symlinkSync('../../nowhere', path.join(root, 'a/dangling'));
    let message = '';
    try {
      loadProject({ workspaceRoot: root });
    } catch (error) {
      message = (error as Error).message;
    }
    const prefix = 'a/bpf.config.yaml:1:25: objects.x.source: ';
    expect(message.slice(0, prefix.length)).toBe(prefix);
    expect(message.slice(prefix.length)).toMatch(problem);
  });
});

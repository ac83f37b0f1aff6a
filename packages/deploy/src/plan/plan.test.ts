import { expect, test } from 'vitest';
import { noFindings } from '../maps';
import { type Ledger, type Observed } from '../state';
import { type Desired } from './desired';
import { mapDifferenceText } from './map-differences';
import { makePlan } from './plan';

const definition = {
  type: 'hash',
  keySize: 4,
  valueSize: 8,
  maxEntries: 16,
  flags: 0,
  abi: 'abi-1',
  key: null,
  value: [{ path: 'count', type: '__u64', bitOffset: 0, bits: 64 }],
};

/** What the ledger has beyond the definition. */
const kept = { frozen: null, protect: false };
const unshared = { protect: false, shared: false };
const made = { sources: 'f1', toolchain: 't1' };

const entry = {
  id: 'uplink',
  optional: false,
  replace: 'make-before-break',
  netns: null,
  hook: 'xdp',
  options: { interface: 'eth0', mode: 'auto' },
} as const;

const desired: Desired = {
  project: 'agent',
  environment: 'dev',
  revision: 'r1',
  objects: [{ name: 'edge', object: 'o1', constants: 'c1', ...made }],
  programs: [
    {
      name: 'guard',
      object: 'edge',
      function: 'guard',
      section: 'xdp',
      type: 'xdp',
      insns: 4,
      instructions: 'i1',
      maps: ['hits', 'edge.bss'],
      capabilities: ['CAP_BPF', 'CAP_NET_ADMIN'],
    },
  ],
  maps: [
    {
      ...definition,
      name: 'edge.bss',
      pin: '/p/maps/edge_bss',
      object: 'edge',
      slots: [],
      migrate: 'refuse',
      ...unshared,
    },
    {
      ...definition,
      name: 'hits',
      pin: '/p/maps/hits',
      object: undefined,
      slots: [],
      migrate: 'refuse',
      ...unshared,
    },
  ],
  links: [
    {
      id: 'uplink',
      program: 'guard',
      hook: 'xdp',
      target: 'xdp on eth0',
      spec: 's1',
      updatable: true,
      replace: 'make-before-break',
      exclusive: 'xdp eth0 ',
      uses: { maps: [], programs: [] },
      replaces: null,
      entry: {
        id: 'uplink',
        optional: false,
        replace: 'make-before-break',
        netns: null,
        hook: 'xdp',
        options: { interface: 'eth0' },
      },
      capabilities: ['CAP_NET_ADMIN'],
    },
  ],
  variants: [],
};

const recorded: Ledger = {
  format: 2,
  rolledBackFrom: null,
  project: 'agent',
  environment: 'dev',
  generation: 3,
  revision: 'r1',
  committed: '2026-01-01T00:00:00.000Z',
  kernel: 'k',
  objects: [{ name: 'edge', object: 'o1', constants: 'c1', ...made }],
  programs: [
    {
      name: 'guard',
      object: 'edge',
      function: 'guard',
      section: 'xdp',
      type: 'xdp',
      id: 7,
      tag: 't',
      attachType: 37,
      attachTarget: null,
      insns: 4,
      verified: 4,
      translated: null,
      instructions: 'i1',
      maps: ['hits', 'edge.bss'],
      since: 3,
    },
  ],
  maps: [
    {
      ...definition,
      name: 'edge.bss',
      id: 11,
      pin: '/p/maps/edge_bss',
      object: 'edge',
      slots: [],
      ...kept,
      adopted: false,
      since: 3,
    },
    {
      ...definition,
      name: 'hits',
      id: 12,
      pin: '/p/maps/hits',
      object: undefined,
      slots: [],
      ...kept,
      adopted: false,
      since: 1,
    },
  ],
  links: [
    {
      id: 'uplink',
      program: 'guard',
      hook: 'xdp',
      target: 'xdp on eth0',
      spec: 's1',
      entry,
      kernelId: 21,
      programId: 7,
      neighbours: [7],
    },
  ],
};

const observed: Observed = {
  programs: new Map([['guard', { id: 7, tag: 't' }]]),
  maps: new Map([
    ['edge.bss', { id: 11 }],
    ['hits', { id: 12 }],
  ]),
  links: new Map([['uplink', { kernelId: 21, programId: 7, severed: false }]]),
  outside: new Map(),
  attachPoints: new Map([['uplink', { programIds: [7] }]]),
  programNames: new Map(),
};

const nothing: Observed = {
  programs: new Map(),
  maps: new Map(),
  links: new Map(),
  outside: new Map(),
  attachPoints: new Map(),
  programNames: new Map(),
};
const actions = (plan: ReturnType<typeof makePlan>): Record<string, string> =>
  Object.fromEntries(
    [...plan.programs, ...plan.maps, ...plan.links].map((entry) => [entry.name, entry.action]),
  );

test('nothing recorded: everything is created', () => {
  const plan = makePlan(desired, undefined, nothing);
  expect(actions(plan)).toEqual({ guard: 'create', 'edge.bss': 'create', hits: 'create', uplink: 'create' });
  expect(plan).toMatchObject({ from: 0, to: 1, empty: false, drift: [] });
});

test('all as recorded: nothing to do', () => {
  const plan = makePlan(desired, recorded, observed);
  expect(plan).toMatchObject({ from: 3, to: 3, empty: true, drift: [] });
});

test('a changed object is loaded anew with fresh data maps, keeps shared maps, and its link is switched in place', () => {
  const plan = makePlan(
    { ...desired, objects: [{ name: 'edge', object: 'o2', constants: 'c1', ...made }] },
    recorded,
    observed,
  );
  expect(actions(plan)).toEqual({ guard: 'replace', 'edge.bss': 'replace', hits: 'keep', uplink: 'update' });
  expect(plan.programs[0]!.reasons).toEqual(['source']);
  expect(plan.to).toBe(4);
});

test('changed constants are the reason', () => {
  const plan = makePlan(
    { ...desired, objects: [{ name: 'edge', object: 'o1', constants: 'c2', ...made }] },
    recorded,
    observed,
  );
  expect(plan.programs[0]).toMatchObject({ name: 'guard', action: 'replace', reasons: ['constants'] });
});

test('another definition of a map that holds entries is refused, or recreated if the manifest says so', () => {
  const grown = { ...desired.maps[1]!, maxEntries: 32, abi: 'abi-2' };
  const refused = makePlan({ ...desired, maps: [desired.maps[0]!, grown] }, recorded, observed);
  expect(refused.maps.find((map) => map.name === 'hits')).toMatchObject({
    name: 'hits',
    action: 'refuse',
    reasons: ['definition'],
    type: 'hash',
    differences: [{ what: 'max_entries', field: null, before: '16', after: '32' }],
  });
  const recreated = makePlan(
    { ...desired, maps: [desired.maps[0]!, { ...grown, migrate: 'recreate' }] },
    recorded,
    observed,
  );
  expect(actions(recreated)).toEqual({
    guard: 'replace',
    'edge.bss': 'replace',
    hits: 'replace',
    uplink: 'update',
  });
});

test('a lost program pin is drift, and is repaired', () => {
  const plan = makePlan(desired, recorded, { ...observed, programs: new Map() });
  expect(plan.drift).toEqual([{ kind: 'program', name: 'guard', text: 'its pin is gone' }]);
  expect(actions(plan)).toMatchObject({ guard: 'replace', uplink: 'update' });
});

test('a link that was detached, severed or switched by somebody else', () => {
  const links = (
    link: Observed['links'] extends ReadonlyMap<string, infer L> ? L | undefined : never,
  ): Observed => ({
    ...observed,
    links: new Map(link === undefined ? [] : [['uplink', link]]),
  });
  expect(actions(makePlan(desired, recorded, links(undefined)))).toMatchObject({
    guard: 'keep',
    uplink: 'create',
  });
  expect(
    actions(makePlan(desired, recorded, links({ kernelId: 21, programId: 7, severed: true }))),
  ).toMatchObject({ uplink: 'create' });
  expect(
    actions(makePlan(desired, recorded, links({ kernelId: 21, programId: 8, severed: false }))),
  ).toMatchObject({ uplink: 'update' });
});

test('what the manifest no longer names is removed, and nothing else', () => {
  const plan = makePlan({ ...desired, links: [] }, recorded, observed);
  expect(plan.links).toMatchObject([{ name: 'uplink', action: 'remove', reasons: ['unused'], switch: null }]);
  expect(actions(plan)).toMatchObject({ guard: 'keep', hits: 'keep' });
});

test('another target of a link attaches anew', () => {
  const plan = makePlan({ ...desired, links: [{ ...desired.links[0]!, spec: 's2' }] }, recorded, observed);
  expect(plan.links).toMatchObject([
    { name: 'uplink', action: 'replace', reasons: ['target'], switch: 'gap' },
  ]);
});

test('what is in the slots of a map is not exchanged while it runs: the map is made anew, and who uses it', () => {
  const jumps = {
    ...definition,
    name: 'jumps',
    pin: '/p/maps/jumps',
    slots: [],
    migrate: 'refuse' as const,
    ...unshared,
  };
  const there = { ...jumps, ...kept, id: 13, since: 1, adopted: false };
  const tail = { ...desired.programs[0]!, name: 'tail', object: 'tails', maps: ['jumps'] };
  const withTail = {
    ...desired,
    objects: [...desired.objects, { name: 'tails', object: 'o1', constants: 'c1', ...made }],
    programs: [...desired.programs, tail],
    maps: [...desired.maps, { ...jumps, object: 'edge' }],
  };
  const before: Ledger = {
    ...recorded,
    objects: withTail.objects,
    programs: [...recorded.programs, { ...recorded.programs[0]!, ...tail, id: 8 }],
    maps: [...recorded.maps, { ...there, object: 'edge' }],
  };
  const seen: Observed = {
    ...observed,
    programs: new Map([...observed.programs, ['tail', { id: 8, tag: 't' }]]),
    maps: new Map([...observed.maps, ['jumps', { id: 13 }]]),
  };
  expect(makePlan(withTail, before, seen).empty).toBe(true);
  const edited = {
    ...withTail,
    objects: [{ name: 'edge', object: 'o2', constants: 'c1', ...made }, withTail.objects[1]!],
  };
  expect(actions(makePlan(edited, before, seen))).toMatchObject({
    guard: 'replace',
    jumps: 'replace',
    tail: 'replace',
    hits: 'keep',
  });
});

test('a map of maps is made anew with a map in its slots, and when its slots change', () => {
  const outer = { ...definition, name: 'outer', pin: '/p/maps/outer', object: undefined, slots: ['0=hits'] };
  const wanted = {
    ...desired,
    maps: [...desired.maps, { ...outer, migrate: 'refuse' as const, ...unshared }],
  };
  const before: Ledger = {
    ...recorded,
    maps: [...recorded.maps, { ...outer, ...kept, id: 13, since: 1, adopted: false }],
  };
  const seen = { ...observed, maps: new Map([...observed.maps, ['outer', { id: 13 }]]) };
  expect(makePlan(wanted, before, seen).empty).toBe(true);
  const lost = { ...seen, maps: new Map([...seen.maps].filter(([name]) => name !== 'hits')) };
  expect(actions(makePlan(wanted, before, lost))).toMatchObject({ hits: 'create', outer: 'replace' });
  const moved = { ...outer, slots: ['1=hits'], migrate: 'refuse' as const, ...unshared };
  const changed = makePlan({ ...wanted, maps: [...desired.maps, moved] }, before, seen);
  expect(changed.maps.at(-1)).toMatchObject({ name: 'outer', action: 'replace', reasons: ['slots'] });
});

test("a map that is somebody else's at the pin the manifest names is adopted, and ours is not", () => {
  const shared = { ...desired.maps[1]!, pin: '/elsewhere/hits' };
  const wanted = { ...desired, maps: [desired.maps[0]!, shared] };
  const outside = (id: number): Observed => ({
    ...observed,
    maps: new Map([...observed.maps, ['hits', { id }]]),
    outside: new Map([['/elsewhere/hits', id]]),
  });
  const record = (adopted: boolean): Ledger => ({
    ...recorded,
    maps: [recorded.maps[0]!, { ...recorded.maps[1]!, pin: shared.pin, adopted }],
  });
  expect(actions(makePlan(wanted, undefined, { ...nothing, outside: outside(40).outside }))).toMatchObject({
    hits: 'adopt',
  });
  expect(makePlan(wanted, record(true), outside(12)).empty).toBe(true);
  expect(makePlan(wanted, record(false), outside(12)).empty).toBe(true);
  expect(actions(makePlan(wanted, record(true), outside(40)))).toMatchObject({
    hits: 'adopt',
    guard: 'replace',
  });
  expect(actions(makePlan(wanted, record(false), outside(40)))).toMatchObject({ hits: 'adopt' });
  expect(actions(makePlan(wanted, record(true), { ...observed, maps: new Map() }))).toMatchObject({
    hits: 'create',
  });
});

test('why an object is loaded anew: its files, its compiler, or the kernel it is relocated for', () => {
  const reasons = (object: Partial<Desired['objects'][number]>, instructions = 'i1') =>
    makePlan(
      {
        ...desired,
        objects: [{ ...desired.objects[0]!, ...object }],
        programs: [{ ...desired.programs[0]!, instructions }],
      },
      recorded,
      observed,
    ).programs[0]!.reasons;
  expect(reasons({ object: 'o2', sources: 'f2' })).toEqual(['source']);
  expect(reasons({ object: 'o2', toolchain: 't2' })).toEqual(['toolchain']);
  expect(reasons({ object: 'o2', sources: 'f2', toolchain: 't2' })).toEqual(['source', 'toolchain']);
  expect(reasons({ object: 'o2', toolchain: null })).toEqual(['source']);
  expect(reasons({}, 'i2')).toEqual(['kernel']);
});

test('how links are switched: in place where the hook can, else as the manifest says', () => {
  const edited = [{ ...desired.objects[0]!, object: 'o2' }];
  const change = (link: Partial<Desired['links'][number]>) => {
    const wanted = { ...desired, objects: edited, links: [{ ...desired.links[0]!, ...link }] };
    return makePlan(wanted, recorded, observed).links[0]!.switch;
  };
  const tracing = { updatable: false, exclusive: null };
  expect(change({})).toBe('atomic');
  expect(change(tracing)).toBe('overlap');
  expect(change({ ...tracing, replace: 'gap' })).toBe('gap');
  expect(makePlan(desired, undefined, nothing).links[0]!.switch).toBeNull();
});

test('a link under another id is the same link, with another name', () => {
  const renamed = { ...desired, links: [{ ...desired.links[0]!, id: 'downlink' }] };
  expect(makePlan(renamed, recorded, observed).links).toMatchObject([
    { name: 'downlink', action: 'update', reasons: ['renamed'], switch: null, renamedFrom: 'uplink' },
  ]);
  const edited = { ...renamed, objects: [{ ...desired.objects[0]!, object: 'o2' }] };
  expect(makePlan(edited, recorded, observed).links).toMatchObject([
    { name: 'downlink', action: 'update', reasons: ['renamed', 'program'], switch: 'atomic' },
  ]);
});

test('programs of others at our hooks, and where they run; capabilities only if there is work', () => {
  const seen = {
    ...observed,
    attachPoints: new Map([['uplink', { programIds: [3, 7, 9] }]]),
    programNames: new Map([[3, 'theirs']]),
  };
  const shared = { ...desired, links: [{ ...desired.links[0]!, exclusive: null }] };
  expect(makePlan(shared, recorded, seen)).toMatchObject({
    foreign: [
      { link: 'uplink', programId: 3, programName: 'theirs', runs: 'before' },
      { link: 'uplink', programId: 9, programName: null, runs: 'after' },
    ],
    capabilities: [],
  });
  expect(makePlan(desired, undefined, { ...nothing, attachPoints: seen.attachPoints })).toMatchObject({
    foreign: [{ runs: 'alone' }, { runs: 'alone' }, { runs: 'alone' }],
    capabilities: ['CAP_BPF', 'CAP_NET_ADMIN'],
  });
});

test('what differs in the layout of a map is said by field', () => {
  const field = (path: string, type: string, byte: number, bytes: number) => ({
    path,
    type,
    bitOffset: 8 * byte,
    bits: 8 * bytes,
  });
  const value = [field('count', '__u32', 0, 4), field('expires', '__u64', 8, 8)];
  const grown = { ...desired.maps[1]!, abi: 'abi-2', valueSize: 16, value };
  const plan = makePlan({ ...desired, maps: [desired.maps[0]!, grown] }, recorded, observed);
  expect(plan.maps.find(({ name }) => name === 'hits')!.differences.map(mapDifferenceText)).toEqual([
    'value_size is 8, wanted 16',
    'value.count is __u64, wanted __u32',
    'value.expires is new (__u64)',
  ]);
});

test('a link is made anew with a map or program that its options name', () => {
  const [link] = desired.links;
  const using = (uses: { maps: string[]; programs: string[] }) => ({
    ...desired,
    links: [{ ...link!, uses }],
  });
  const changed = {
    ...recorded,
    maps: recorded.maps.map((map) => (map.name === 'hits' ? { ...map, abi: 'old' } : map)),
  };
  const recreate = (wanted: Desired): Desired => ({
    ...wanted,
    maps: wanted.maps.map((map) => ({ ...map, migrate: 'recreate' })),
  });
  const action = (wanted: Desired, before: Ledger) => makePlan(wanted, before, observed).links[0];
  expect(action(using({ maps: ['hits'], programs: [] }), recorded)).toMatchObject({ action: 'keep' });
  expect(action(recreate(using({ maps: ['hits'], programs: [] })), changed)).toMatchObject({
    action: 'replace',
    reasons: ['map'],
  });
  const newSource = {
    ...using({ maps: [], programs: ['guard'] }),
    objects: [{ ...desired.objects[0]!, object: 'o2' }],
  };
  expect(action(newSource, recorded)).toMatchObject({ action: 'replace', reasons: ['program'] });
});

test('what is known of the entries of maps decides what becomes of them', () => {
  const hits = { ...desired.maps[1]!, abi: 'abi-2', migrate: 'copy' } as const;
  const wanted = (map: object): Desired => ({ ...desired, maps: [desired.maps[0]!, { ...hits, ...map }] });
  const findings = noFindings;
  const planned = (to: Desired, found: object) =>
    makePlan(to, recorded, observed, { ...findings, ...found }).maps.find(({ name }) => name === 'hits');

  const copies = new Map([['hits', { problems: [], window: 'a moment' }]]);
  expect(planned(wanted({}), { copies })).toMatchObject({ action: 'migrate', window: 'a moment' });
  const hard = new Map([['hits', { problems: ['value: a: dropped'], window: null }]]);
  expect(planned(wanted({}), { copies: hard })).toMatchObject({
    action: 'refuse',
    problems: ['value: a: dropped'],
  });

  const contents = new Map([['hits', { added: 1, changed: 0, removed: 2 }]]);
  const plan = makePlan(desired, recorded, observed, { ...findings, contents });
  expect(plan.maps.find(({ name }) => name === 'hits')).toMatchObject({
    action: 'update',
    reasons: ['contents'],
    contents: { added: 1, changed: 0, removed: 2 },
  });
  expect(plan.programs.every(({ action }) => action === 'keep')).toBe(true);
  expect(plan.empty).toBe(false);

  const sharers = new Map([['hits', [{ project: 'billing', abi: 'abi-1' }]]]);
  expect(planned(wanted({ migrate: 'recreate' }), { sharers })).toMatchObject({
    action: 'refuse',
    problems: ['projects that share it know it otherwise: billing; deploy all of them with one definition'],
  });
  expect(planned(wanted({ migrate: 'recreate', protect: true }), {})).toMatchObject({
    action: 'refuse',
    reasons: ['definition', 'protected'],
  });
  const guarded = { ...recorded, maps: recorded.maps.map((map) => ({ ...map, protect: true })) };
  const without = { ...desired, maps: [desired.maps[0]!] };
  expect(makePlan(without, guarded, observed).maps.find(({ name }) => name === 'hits')).toMatchObject({
    action: 'refuse',
    reasons: ['unused', 'protected'],
  });
});

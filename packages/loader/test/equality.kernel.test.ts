import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { imm, setImm } from '../src/asm';
import { type Binding, type RelocatedObject, type RelocatedProgram } from '../src/relocate';
import { loadWithBpftool } from '../../../tools/oracle/bpftool';
import { compileCorpus, corpusFiles } from '../../../tools/oracle/corpus';
import { difference } from '../../../tools/oracle/difference';
import { closeAll, type Handles } from '../../../tools/oracle/handles';
import { loadRelocated, relocateFile } from '../../../tools/oracle/ours';
import { runAll } from '../../../tools/oracle/run';
import { contentsSnapshot, snapshot } from '../../../tools/oracle/snapshot';
import { kernelSuite } from '../../../tools/testing/kernel';

const files = corpusFiles();

/** `BPF_F_MMAPABLE`: bpftool of Linux 6.1 asks for it for every data section, libbpf since 1.1, and we, for some. */
const MMAPABLE = 1 << 10;
const comparable = (handles: Handles) => snapshot(handles, { ignoredMapFlags: MMAPABLE });

/** What programs return that bpftool can't load: worked out by hand from their C. */
const expectedReturns: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'calls-between-programs': { base: 3, same_section: 4, other_section: 5 },
  'custom-bss': { sum: 6 },
  'legacy-maps': { count: 1 },
  'newer-hooks': { tc_ingress: 1, tc_egress: 1, ingress: 1, egress: 1, primary: 1, peer: 1 },
  'optional-programs': { always: 2 },
  pinned: { copy: 5 },
  'subprograms-in-sections': { through_sections: 32 },
};

kernelSuite('the same object, loaded by bpftool and by us', (kernel) => {
  let objects: ReadonlyMap<string, string>;
  beforeAll(async () => {
    objects = await compileCorpus(files, kernel.directory);
  }, 300_000);

  /** What our loader makes of an object, for as long as `look` looks at it. */
  function withOurs(relocated: RelocatedObject, look: (ours: Handles) => void): void {
    const pins = path.join(kernel.bpffs, 'ours');
    mkdirSync(pins);
    try {
      const ours = loadRelocated(relocated, pins);
      try {
        look(ours);
      } finally {
        closeAll(ours);
      }
    } finally {
      rmSync(pins, { recursive: true });
    }
  }

  /** The same for both loaders, where ours may be given a changed object. */
  function withBoth(name: string, change: Change, compare: (peer: Handles, ours: Handles) => void): void {
    const file = objects.get(name)!;
    const pins = path.join(kernel.bpffs, 'peer');
    try {
      const peer = loadWithBpftool(file, pins);
      try {
        withOurs(change(relocateFile(file)), (ours) => compare(peer, ours));
      } finally {
        closeAll(peer);
      }
    } finally {
      rmSync(pins, { recursive: true, force: true });
    }
  }

  test.each(files.filter((file) => file.notForBpftool === undefined))('$name', ({ name }) => {
    withBoth(name, unchanged, (peer, ours) => {
      expect(difference(comparable(peer), comparable(ours))).toEqual([]);
      expect(difference(runAll(peer), runAll(ours))).toEqual([]);
      expect(difference(contentsSnapshot(peer), contentsSnapshot(ours))).toEqual([]);
    });
  });

  describe('not for bpftool', () => {
    test.each(files.filter((file) => file.notForBpftool !== undefined))(
      '$name: $notForBpftool',
      ({ name }) => {
        withOurs(relocateFile(objects.get(name)!), (ours) => {
          expect(runAll(ours)).toMatchObject(expectedReturns[name]!);
        });
      },
    );
  });

  describe('the comparison notices', () => {
    test('a wrong map, which the tag does not show', () => {
      withBoth('array', swapMaps('first', 'second'), (peer, ours) => {
        expect(difference(comparable(peer), comparable(ours))).toEqual([
          expect.stringMatching(/^programs\.count\.instructions\.\d+: ".* map first" \| ".* map second"$/),
          expect.stringMatching(/^programs\.count\.instructions\.\d+: ".* map second" \| ".* map first"$/),
        ]);
        runAll(peer);
        runAll(ours);
        expect(difference(contentsSnapshot(peer), contentsSnapshot(ours))).toEqual([
          expect.stringMatching(/^first\.01000000: "01.*" \| "02.*"$/),
          expect.stringMatching(/^second\.01000000: "02.*" \| "01.*"$/),
        ]);
      });
    });

    test('a lost offset, which the tag does not show', () => {
      withBoth('globals', loseAnOffset, (peer, ours) => {
        expect(difference(comparable(peer), comparable(ours))).toEqual([
          expect.stringMatching(
            /^programs\.use_all\.instructions\.\d+: ".* map globals_\w+ \+ [1-9]\d*" \| ".* map globals_\w+ \+ 0"$/,
          ),
        ]);
      });
    });
  });
});

type Change = (relocated: RelocatedObject) => RelocatedObject;

const unchanged: Change = (relocated) => relocated;

/** Every reference to one of two maps goes to the other. */
function swapMaps(one: string, other: string): Change {
  const swapped = (map: string) => (map === one ? other : map === other ? one : map);
  return changePrograms((program) => ({
    ...program,
    bindings: program.bindings.map((binding) =>
      'map' in binding ? { ...binding, map: swapped(binding.map) } : binding,
    ),
  }));
}

/** The first reference to a variable that is not at the start of its section now goes to the start. */
const loseAnOffset: Change = changePrograms((program) => {
  const instructions = program.instructions.slice();
  const upperHalf = ({ insn }: Binding) => insn + 1;
  const reference = program.bindings.find(
    (binding) => binding.kind === 'data' && imm(instructions, upperHalf(binding)) !== 0,
  );
  setImm(instructions, upperHalf(reference!), 0);
  return { ...program, instructions };
});

function changePrograms(change: (program: RelocatedProgram) => RelocatedProgram): Change {
  return (relocated) => ({ ...relocated, programs: relocated.programs.map(change) });
}

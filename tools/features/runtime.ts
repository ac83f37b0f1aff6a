import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Feature } from './feature';
import {
  BpfError,
  BpfMap,
  closeFd,
  Link,
  loadFile,
  mapCreate,
  mapInfo,
  Program,
  programInfo,
  tagAlgorithm,
} from './loader';
import { inOwnNetwork } from './surroundings';

const BPF_MAP_TYPE_ARRAY = 2;

/** What the loader does differently from kernel to kernel, and what must be the same on all. */
export const runtimeFeatures: readonly Feature[] = [
  {
    name: 'tags of programs',
    group: 'Loader',
    since: '5.15',
    use: (trial) => {
      // bpf: use SHA-256 for tags, 603b44162325 (6.18). tagAlgorithm() throws where the kernel's tag is neither.
      assert.equal(tagAlgorithm(), trial.atLeast('6.18') ? 'sha256' : 'sha1');
    },
  },
  {
    name: 'CO-RE finds this process',
    group: 'Loader',
    since: '5.15',
    use: (trial) => {
      const collection = loadFile(trial.object('hooks'), { programs: ['read_self'] });
      try {
        collection.program('read_self').testRun();
        assert.deepEqual(collection.variable('self').get(), {
          process: process.pid,
          parent: process.ppid,
          command: readFileSync('/proc/thread-self/comm', 'utf8').trim(),
        });
      } finally {
        collection.close();
      }
    },
  },
  {
    name: 'a whole verifier log of many lines',
    group: 'Loader',
    since: '5.15',
    use: (trial) => {
      const error = failure(() => loadFile(trial.object('hooks'), { programs: ['long_way'] }));
      assert.equal(error.code, 'VERIFIER_REJECTED');
      const log = error.fields.log ?? [];
      assert.ok(log.join('\n').length > 64 * 1024, `the log has ${log.length} lines`);
      assert.match(log.slice(0, 3).join('\n'), /^0: /m, 'it begins at the first instruction');
      assert.match(log.at(-1) ?? '', /^processed \d+ insns/, 'it ends at the end');
    },
  },
  {
    name: 'a further map is bound to each program',
    group: 'Loader',
    since: '5.10',
    use: (trial) => {
      const card = mapCreate({ map_type: BPF_MAP_TYPE_ARRAY, key_size: 4, value_size: 4, max_entries: 1 });
      const collection = loadFile(trial.object('array'), { boundMaps: [card] });
      try {
        const { id } = mapInfo(card);
        for (const program of collection.programs.values()) {
          const { mapIds } = programInfo(program.fd);
          assert.ok(mapIds.includes(id), 'it is bound');
          // fd_array_cnt came with 6.14: before, maps are bound after the load, behind those it was loaded with.
          assert.equal(mapIds[0] === id, trial.atLeast('6.14'), `its place among ${mapIds.join(', ')}`);
        }
      } finally {
        collection.close();
        closeFd(card);
      }
    },
  },
  {
    name: "types of an object with a section whose name begins with '?'",
    group: 'Loader',
    since: '5.15',
    use: (trial) => {
      const collection = loadFile(trial.object('marked'));
      try {
        assert.ok(programInfo(collection.program('add').fd).btfId > 0, 'the program has types');
        assert.deepEqual(
          collection.notes.filter((note) => note.includes('refused')),
          [],
        );
      } finally {
        collection.close();
      }
    },
  },
  {
    name: 'pins of programs, maps and links',
    group: 'Loader',
    since: '5.15',
    use: (trial) =>
      inOwnNetwork(async () => {
        const pin = (name: string): string => path.join(trial.bpffs, `pins-${name}`);
        const collection = loadFile(trial.object('hooks'), {
          programs: ['on_xdp'],
          mapPins: { '.bss': pin('map') },
        });
        const program = collection.program('on_xdp');
        program.pin(pin('program'));
        collection.attach('on_xdp', 'xdp', { interface: 'lo' }).pin(pin('link'));
        const { id } = program;
        collection.close();
        const opened = [
          Program.open(pin('program')),
          BpfMap.open(pin('map')),
          Link.open(pin('link')),
        ] as const;
        assert.equal(opened[0].id, id);
        assert.equal(opened[2].info().programId, id);
        for (const object of opened) object.close();
      }),
  },
];

function failure(load: () => { close(): void }): BpfError {
  try {
    load().close();
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('loaded, although it should not');
}

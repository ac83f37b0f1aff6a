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
  MapType,
  possibleCpus,
  Program,
  programInfo,
  tagAlgorithm,
  updateAtomically,
  waitForPrograms,
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
  {
    name: 'values of a live map changed atomically',
    group: 'Loader',
    // Exchanges: 5ffa25502b5a (5.12).
    since: '5.15',
    use: () =>
      withCounters(MapType.hash, (map) => {
        const fields = [
          { offset: 0, size: 8, operation: 'add' },
          { offset: 8, size: 8, operation: 'exchange' },
        ] as const;
        map.raw.update(firstKey, words(5n, 6n));
        waitForPrograms();
        const changes = [5n, 6n].map((before) => ({ key: firstKey, operands: [2n, [before, 9n] as const] }));
        assert.deepEqual(updateAtomically(map, fields, changes), { found: 2, missing: 0, conflicts: 1 });
        assert.deepEqual(map.raw.lookup(firstKey), words(9n, 9n));
      }),
  },
  {
    name: "one CPU's values of a live map changed atomically",
    group: 'Loader',
    // bpf_map_lookup_percpu_elem: 07343110b293 (5.19).
    since: '5.19',
    use: () =>
      withCounters(MapType.percpu_hash, (map) => {
        const cpus = possibleCpus();
        map.raw.update(firstKey, words(...new Array<bigint>(2 * cpus).fill(1n)));
        const change = { key: firstKey, cpu: cpus - 1, operands: [4n] };
        updateAtomically(map, [{ offset: 8, size: 8, operation: 'add' }], [change]);
        const wanted = new Array<bigint>(2 * cpus).fill(1n);
        wanted[2 * cpus - 1] = 5n;
        assert.deepEqual(map.raw.lookup(firstKey), words(...wanted));
      }),
  },
];

const firstKey = Uint8Array.of(1, 0, 0, 0);

function words(...values: bigint[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(values).buffer);
}

/** A map of keys of 4 bytes and values of two u64. */
function withCounters(type: number, use: (map: BpfMap) => void): void {
  const fd = mapCreate({ map_type: type, key_size: 4, value_size: 16, max_entries: 4 });
  const map = new BpfMap(fd);
  try {
    use(map);
  } finally {
    map.close();
  }
}

function failure(load: () => { close(): void }): BpfError {
  try {
    load().close();
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('loaded, although it should not');
}

import assert from 'node:assert/strict';
import { type Feature } from './feature';
import { loadFile } from './loader';

/** Objects of the corpus that not every kernel from 5.15 on takes: since which version, and what for. */
const younger: Readonly<Record<string, string>> = {
  iterators: '6.2', // map_update_elem() takes a value from an iterator's buffer
  kfuncs: '6.2', // bpf_task_from_pid()
  kptr: '6.2', // bpf_task_acquire()
  'local-storage': '6.2', // of cgroups
  'newer-hooks': '6.7', // cgroup/connect_unix
};

/** Loads every object of the corpus: all map types, subprograms, CO-RE, data sections, kconfig and kernel symbols. */
export function corpusFeatures(names: readonly string[]): Feature[] {
  return names.map((name) => ({
    name,
    group: 'Objects',
    since: younger[name] ?? '5.15',
    use: (trial) => {
      const collection = loadFile(trial.object(name), { pinRoot: trial.bpffs });
      collection.close();
      const refused = collection.notes.filter((note) => note.includes('BTF'));
      assert.deepEqual(refused, [], 'the kernel takes the types');
    },
  }));
}

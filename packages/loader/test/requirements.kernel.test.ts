import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { compileCorpus, corpusFiles } from '../../../tools/oracle/corpus';
import { kernelSuite } from '../../../tools/testing/kernel';
import { runningKernel } from '../src/kernel';
import { loadObject } from '../src/load';
import { parseObject } from '../src/object';
import { reachOf, relocateObject, requirementsOf } from '../src/relocate';

const files = corpusFiles();

kernelSuite('what a program is said to miss, beside what the kernel says', (kernel) => {
  let objects: ReadonlyMap<string, string>;
  beforeAll(async () => {
    objects = await compileCorpus(files, kernel.directory);
  }, 300_000);

  test.each(files)('$name: a program that loads misses nothing that it comes to', ({ name: object }) => {
    const spec = parseObject(readFileSync(objects.get(object)!), { name: object });
    for (const { name } of spec.programs) {
      // The kernel says first that the program is all right.
      const ours = relocateObject(spec, runningKernel(), { programs: [name] });
      loadObject({ ...ours, maps: ours.maps.map((map) => ({ ...map, pinByName: false })) }).close();
      const { requirements, relocated } = requirementsOf(spec, name, runningKernel());
      const reached = reachOf(relocated!.object, relocated!.program);
      const missed = requirements.filter(
        ({ state, insn }) => state === 'missing' && (insn === undefined || reached(insn) !== 'no'),
      );
      expect(missed, name).toEqual([]);
      expect(reached(0), name).toBe('yes');
    }
  });
});

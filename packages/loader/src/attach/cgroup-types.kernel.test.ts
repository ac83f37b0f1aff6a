import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { cgroupActions, neverRefuse } from '../../../../tools/testing/cgroup-actions';
import { inOwnCgroup, inOwnNetwork } from '../../../../tools/features/surroundings';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { AttachType, ProgramType } from '../object';
import { loadFile, type Collection } from '../runtime';
import { attachCgroup, cgroupPrograms, cgroupTypes, linkDescription } from './index';

kernelSuite('every attach point of a cgroup', (kernel) => {
  let file = '';
  beforeAll(() => {
    // The features of other kernels have it from vmlinux.h; here the uapi header does.
    const source = readFileSync(
      path.join(__dirname, '../../../../tools/features/cgroup-points.bpf.c'),
      'utf8',
    );
    file = kernel.compile(source.replace('"vmlinux.h"', '<linux/bpf.h>'), { name: 'cgroup-points' });
  });

  const load = (program: string): Collection => loadFile(file, { programs: [program] });
  const types = cgroupTypes.filter(({ name }) => name !== 'lsm_cgroup');

  test('the table of actions has them all', () => {
    expect(types.map(({ label }) => label).sort()).toEqual(Object.keys(cgroupActions).sort());
  });

  test.each(types)('$label', async ({ label, name, attachType }) => {
    const collection = load(label);
    const runs = collection.variable<bigint>('runs');
    await inOwnNetwork(() =>
      inOwnCgroup(async (cgroup) => {
        const act = cgroupActions[label]!;
        expect(await act(), 'without a program').toBe(true);
        const link = collection.attach(label, 'cgroup', { path: cgroup });
        expect([link.describe(), linkDescription(link.info())]).toEqual([
          `cgroup ${label} on ${cgroup}`,
          `cgroup ${label} on /${path.basename(cgroup)}`,
        ]);
        const { id } = collection.program(label);
        expect(cgroupPrograms(cgroup, attachType)?.programIds).toEqual([id]);
        runs.set(0n);
        expect(await act(), 'with a program that allows it').toBe(true);
        expect(Number(runs.get())).toBeGreaterThan(0);
        if (!neverRefuse.has(label)) {
          collection.variable('allowed').set(0);
          expect(await act(), 'with a program that refuses it').toBe(false);
        }
        link.close();
        expect(await act(), 'after the link is closed').toBe(true);
        expect(cgroupPrograms(cgroup, attachType)?.programIds).toEqual([]);
        expect(AttachType[name]).toBe(attachType);
      }),
    );
    collection.close();
  });

  test('the effective programs of a cgroup are its own and those above it', async () => {
    const egress = (name: string) =>
      tinyProgram({
        type: ProgramType.cgroup_skb,
        returns: 1,
        attachType: AttachType.cgroup_inet_egress,
        name,
      });
    const [above, own] = [egress('above'), egress('own')];
    await kernel.withCgroup((cgroup) => {
      const child = path.join(cgroup, 'child');
      mkdirSync(child);
      const links = [attachCgroup(above, { path: cgroup }), attachCgroup(own, { path: child })];
      const programs = (which?: 'own' | 'effective') =>
        cgroupPrograms(child, AttachType.cgroup_inet_egress, which)?.programIds;
      expect([programs(), programs('effective')]).toEqual([
        [own.id],
        expect.arrayContaining([own.id, above.id]),
      ]);
      for (const link of links) link.close();
      expect(programs('effective')).not.toContain(above.id);
      rmdirSync(child);
    });
    for (const program of [above, own]) program.close();
  });
});

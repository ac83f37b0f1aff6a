import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { checkLock, lockFile, updateLock } from '../../../packages/deploy/src/bundle/lock-file';
import { type ProjectConfig } from '../../../packages/deploy/src/manifest';
import { ownFolder } from '../folder';
import { textMutator } from '../mutate/text';
import { type Target } from '../target';

const entry = {
  clang: 'clang version 19',
  vmlinux: null,
  objects: { edge: { flags: ['-O2'], object: 'e4f1', programs: { guard: 'aa' }, maps: { hits: 'bb' } } },
};
const empty = { clang: '', vmlinux: null, objects: {} };

export const lock: Target = {
  name: 'lock',
  what: 'the lock file, which people merge by hand',
  rooms: ['compared', 'equal', 'updated'],
  sources: ['packages/deploy/src/bundle/lock-file.ts', 'packages/deploy/src/bundle/lock-entry.ts'],
  seeds: () =>
    [entry, empty].map(
      (dev) =>
        new Uint8Array(
          Buffer.from(JSON.stringify({ version: 1, projects: { a: { dev }, other: { prod: entry } } })),
        ),
    ),
  mutate: textMutator([
    'null',
    '[]',
    '{}',
    '"',
    ',',
    ':',
    '"dev"',
    '"a"',
    'flags',
    'programs',
    'maps',
    'objects',
    '<<<<<<<',
    '=======',
  ]),
  run(input, past) {
    const workspaceRoot = ownFolder();
    writeFileSync(path.join(workspaceRoot, lockFile), input);
    const config = {
      workspaceRoot,
      project: 'a',
      environment: 'dev',
      maps: {},
      toolchain: { vmlinux: { kind: 'kernel' } },
    } as unknown as ProjectConfig;
    try {
      checkLock(config, []);
      past(1);
    } catch (error) {
      if ((error as { code?: string }).code !== 'LOCK_MISMATCH') throw error;
    }
    past(0);
    updateLock(config, []);
    checkLock(config, []);
    past(2);
  },
};

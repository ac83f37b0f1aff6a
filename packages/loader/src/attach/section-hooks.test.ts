import { expect, test } from 'vitest';
import { sectionMeaning, sectionRows } from '../object';
import { hookFor, hooks } from './hooks';
import { sectionHook, sectionHooks } from './section-hooks';

test.each([...sectionHooks])('SEC("%s/...") is for programs of %s', (stem, hook) => {
  expect(sectionRows.map(([pattern]) => pattern)).toContain(`${stem}+`);
  const { type, attachType, target } = sectionMeaning(`${stem}/place`);
  expect(target).toBe('place');
  expect(hooks[hook].programTypes).toContain(type);
  const { attachTypes } = hooks[hook];
  if (attachType !== 0) expect(attachTypes).toContain(attachType);
  expect(hookFor({ type: type!, attachType, section: `${stem}/place` })).toBe(hook);
});

test.each(['xdp', 'tc', 'cgroup/connect4', 'socket', 'kprobes/x', 'lsm_cgroup/socket_create', ''])(
  'SEC("%s") cannot say its place',
  (section) => {
    expect(sectionHook(section)).toBeUndefined();
  },
);

/** States of our caches in which a load is measured, and whether the process has loaded much before. */
export const cases = {
  'miss-fresh': { title: 'miss, fresh, with index', state: 'miss', warm: false },
  'bare-fresh': { title: 'miss, fresh, without index', state: 'bare', warm: false },
  'miss-warm': { title: 'miss, warm', state: 'miss', warm: true },
  'hit-fresh': { title: 'hit, fresh', state: 'hit', warm: false },
  'hit-warm': { title: 'hit, warm', state: 'hit', warm: true },
} as const;

export type Case = keyof typeof cases;

import { type Case } from './cases';

type Bars = Readonly<Partial<Record<Case, number>>>;

function row(
  missFresh: number,
  bareFresh: number | undefined,
  missWarm: number,
  hitFresh: number,
  hitWarm: number,
): Bars {
  const common = {
    'miss-fresh': missFresh,
    'miss-warm': missWarm,
    'hit-fresh': hitFresh,
    'hit-warm': hitWarm,
  };
  return bareFresh === undefined ? common : { ...common, 'bare-fresh': bareFresh };
}

const severalDear = row(0.62, undefined, 0.6, 0.6, 0.56);

/** Ratios ours / libbpf that a load is to stay below, by input. */
export const bars: Readonly<Record<string, Bars>> = {
  tiny: row(3, undefined, 1.3, 2, 1),
  'core-52': row(0.45, 1, 0.3, 0.18, 0.1),
  'core-271': row(0.5, 1, 0.4, 0.32, 0.28),
  'small-76': row(2, undefined, 1.05, 1.1, 0.8),
  'heavy-4x10k': severalDear,
  'heavy-2x50k': severalDear,
  'core-objects': row(0.42, undefined, 0.32, 0.2, 0.2),
  'mixed-objects': row(0.55, 0.65, 0.42, 0.28, 0.28),
};

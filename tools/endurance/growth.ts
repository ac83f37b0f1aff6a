import { type UpgradesReport } from './upgrades';

/** What grew, one line each: descriptors, pins and objects must be the same at every look. */
export function growth({ samples }: UpgradesReport): string[] {
  const [first, ...others] = samples;
  const what = ['descriptors', 'pins', 'objects'] as const;
  return what.flatMap((name) => {
    const text = JSON.stringify(first![name]);
    const other = others.find((sample) => JSON.stringify(sample[name]) !== text);
    if (other === undefined) return [];
    return [`${name}: ${text}, and ${JSON.stringify(other[name])} after ${other.upgrades} upgrades`];
  });
}

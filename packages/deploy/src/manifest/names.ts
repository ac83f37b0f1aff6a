import { pinName } from './config';

/** Where maps that projects share are pinned, beside the projects' directories. */
export const sharedName = 'shared';

/** Refuses names that are one name as a pin, where dots are underscores. */
export function checkCoincidingNames(
  names: readonly string[],
  what: string,
  problem: (name: string, text: string) => void,
): void {
  const pinned = new Map<string, string>();
  for (const name of [...names].sort()) {
    const pin = pinName(name);
    const other = pinned.get(pin);
    if (other !== undefined) {
      problem(name, `'${name}' and '${other}' in ${what} are both pinned as '${pin}': rename one`);
    }
    pinned.set(pin, name);
  }
}

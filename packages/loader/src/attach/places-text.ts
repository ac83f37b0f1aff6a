/** How many of many places are told by name. */
export const shownPlaces = 3;

/** The first few of many places: `vfs_read, vfs_readv, vfs_rename and 12 more`. */
export function placesText(places: readonly string[]): string {
  const rest = places.length - shownPlaces;
  return `${places.slice(0, shownPlaces).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

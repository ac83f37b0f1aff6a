/**
 * A regular expression for names that a pattern fits: `*` stands for any characters, `?` for one, all else for itself.
 *
 * @example
 * ```ts
 * globPattern('vfs_*').test('vfs_read'); // true
 * ```
 */
export function globPattern(glob: string): RegExp {
  const parts = glob.split(/([*?])/).map((part) => {
    if (part === '*') return '.*';
    return part === '?' ? '.' : part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  });
  // Many stars make a regular expression that takes for ever: neighbours are one.
  return new RegExp(`^${parts.join('').replace(/(\.\*)+/g, '.*')}$`, 's');
}

/** Whether a text has a `*` or a `?`. */
export function isGlob(text: string): boolean {
  return /[*?]/.test(text);
}

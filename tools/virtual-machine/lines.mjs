/**
 * Passes on whole lines of several streams, so that what runs side by side can be told apart.
 *
 * @param {(name: string, line: string) => void} use
 */
export function lineWriter(use) {
  const rests = new Map();
  return {
    write(name, chunk) {
      const lines = `${rests.get(name) ?? ''}${chunk}`.split('\n');
      rests.set(name, lines.pop());
      for (const line of lines) use(name, line);
    },
    /** Passes on what no line end followed. */
    end() {
      for (const [name, rest] of rests) if (rest !== '') use(name, rest);
      rests.clear();
    },
  };
}

/** An input that did what none may do. */
export interface Finding {
  readonly target: string;
  /** `escaped`: another error than BpfError came out. `broken`: what was read was not the same when read again. */
  readonly kind: 'escaped' | 'broken' | 'slow' | 'memory' | 'hang';
  /** What tells it from others, and what happened. */
  readonly key: string;
  readonly text: string;
  readonly input: Uint8Array;
}

/** An error in a line: what it is, and the first place of ours that it came from. */
export function keyOf(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${typeof error}`;
  const place = error.stack?.split('\n').find((line) => /^ +at .*\/packages\//.test(line));
  const where = /packages\/[^:)]+:\d+/.exec(place ?? '')?.[0] ?? 'nowhere';
  return `${error.name} at ${where}`;
}

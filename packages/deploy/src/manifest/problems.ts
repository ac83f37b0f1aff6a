import { BpfError } from '@nx-bpf/loader/errors';
import { type Place } from './located';

/** `file:line:column`, as editors and terminals make it clickable. */
export function placeText(place: Place): string {
  if (place.line === 0) return place.file === '' ? '(default)' : place.file;
  return `${place.file}:${place.line}:${place.column}`;
}

/** What is wrong with a manifest: collected, so that one run shows all of it. */
export class Problems {
  private readonly found: { place: Place; text: string }[] = [];

  add(place: Place, text: string): void {
    this.found.push({ place, text });
  }

  addAll(other: Problems): void {
    this.found.push(...other.found);
  }

  get any(): boolean {
    return this.found.length > 0;
  }

  /** A line a problem, `file:line:column: text`, by file and position, each once. */
  lines(): string[] {
    const sorted = this.found
      .map((problem, index) => ({ ...problem, index }))
      .sort(
        (a, b) =>
          compareText(a.place.file, b.place.file) ||
          a.place.line - b.place.line ||
          a.place.column - b.place.column ||
          a.index - b.index,
      );
    return [...new Set(sorted.map(({ place, text }) => `${placeText(place)}: ${text}`))];
  }

  /**
   * Ends a step that may have found problems.
   *
   * @throws BpfError MANIFEST_INVALID with every problem in its text and in `fields.problems`
   */
  throwIfAny(): void {
    if (!this.any) return;
    const problems = this.lines();
    const first = this.found.find(({ place, text }) => `${placeText(place)}: ${text}` === problems[0])!.place;
    const what =
      problems.length === 1
        ? problems[0]!
        : `${problems.length} problems in the manifest\n${problems.map((line) => `  ${line}`).join('\n')}`;
    throw new BpfError('MANIFEST_INVALID', what, {
      file: first.file,
      line: first.line,
      column: first.column,
      problems,
    });
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

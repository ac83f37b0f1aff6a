/**
 * What to take back when a load fails half way: steps are undone last first. A step that fails is passed over, since
 * the error that matters is the one that led here.
 */
export class Undo {
  private readonly steps: (() => void)[] = [];

  push(step: () => void): void {
    this.steps.push(step);
  }

  run(): void {
    for (const step of this.steps.reverse()) {
      try {
        step();
      } catch {
        continue;
      }
    }
  }
}

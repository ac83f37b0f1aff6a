import { BpfError, fileFailure } from '@nx-bpf/loader';

/**
 * The way back: every step that changes something pushes how to unchange it. After a failure the steps are undone in
 * reverse order, each whatever became of the others.
 */
export class Undo {
  private readonly steps: { readonly what: string; readonly back: () => void; readonly owned: boolean }[] =
    [];

  private touched = false;

  /** What ran before is about to be changed: from here on a failure is one that was rolled back. */
  touch(): void {
    this.touched = true;
  }

  push(what: string, back: () => void): void {
    this.steps.push({ what, back, owned: false });
  }

  /** Something that is open until the end, whichever end that is. */
  own(what: string, closable: { close(): void }): void {
    this.steps.push({ what: `close ${what}`, back: () => closable.close(), owned: true });
  }

  /** The steps so far are final: a later failure takes none of them back. What is open stays so until the work ends. */
  commit(): void {
    this.steps.splice(0, this.steps.length, ...this.steps.filter((step) => step.owned));
    this.touched = false;
  }

  /** Undoes everything; returns what could not be undone. */
  run(): string[] {
    const failed: string[] = [];
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) {
      try {
        step.back();
      } catch (error) {
        failed.push(`${step.what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return failed;
  }

  /**
   * Runs `work`; if it fails, undoes what was pushed and rethrows. At either end what is owned is closed.
   *
   * @throws BpfError ROLLBACK_INCOMPLETE naming what is left, if something could not be undone; ROLLED_BACK if all
   *   could and something live had been touched; INTERRUPTED; FILE for what node:fs threw; else what `work` threw
   */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.commit();
      this.run();
      return result;
    } catch (thrown) {
      const error = fileFailure(thrown);
      const left = this.run();
      if (left.length === 0) throw undone(error, this.touched);
      throw incomplete(error, left);
    }
  }
}

/** What a failure is after some of it could not be undone: where it was, and what is left. */
function incomplete(error: unknown, left: readonly string[]): BpfError {
  const found = new BpfError(
    'ROLLBACK_INCOMPLETE',
    `${error instanceof Error ? error.message : String(error)}; undoing what was done failed`,
    { problems: left, hint: 'what is listed is not as it was: try again, or mend it by hand' },
    error,
  );
  return error instanceof BpfError ? found.with(error.fields) : found;
}

/** What a failure is after all was undone. An interruption stays one: it is no failure. */
function undone(error: unknown, touched: boolean): unknown {
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof BpfError && error.code === 'INTERRUPTED') {
    return new BpfError('INTERRUPTED', `${text}; everything is as it was before`, error.fields);
  }
  if (!touched) return error;
  const back = new BpfError('ROLLED_BACK', `${text}; what had been switched is back as it was`, {}, error);
  return error instanceof BpfError ? back.with(error.fields) : back;
}

import { fork } from 'node:child_process';
import path from 'node:path';
import { type Target } from './target';

/** Lines of a target's sources that some input reached. */
export interface LineCoverage {
  readonly covered: number;
  readonly lines: number;
  /** By file, the numbers of the lines that none reached. */
  readonly missed: Readonly<Record<string, readonly number[]>>;
}

/** Runs inputs once more, with V8's own coverage on. */
export function lineCoverage(target: Target, inputs: readonly Uint8Array[]): Promise<LineCoverage> {
  const child = fork(path.join(__dirname, 'line-coverage-process.js'), [], { serialization: 'advanced' });
  child.send({ target: target.name, inputs });
  return new Promise((resolve, reject) => {
    child.once('message', (found: LineCoverage) => resolve(found));
    child.once('exit', (status) =>
      reject(new Error(`measuring lines of ${target.name}: exit status ${status}`)),
    );
  });
}

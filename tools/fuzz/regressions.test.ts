import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { BpfError } from '../../packages/loader/src/errors';
import { heldBytes, processorTime } from './cost';
import { longest } from './draft';
import { hostileInputs, type HostileInput } from './hostile';
import { bounds } from './target';
import { targetNamed, targets } from './targets';

process.env['FUZZ_FEW'] = '1';

/** Inputs as fuzzing found them, in a folder of their target. */
const stored = targets.flatMap(({ name: target }): HostileInput[] => {
  const folder = path.join(__dirname, 'regressions', target);
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  return names.map((name) => ({
    target,
    name,
    bytes: () => new Uint8Array(readFileSync(path.join(folder, name))),
  }));
});

test.each([...hostileInputs, ...stored])('$target: $name', async ({ target: name, bytes }) => {
  const target = targetNamed(name);
  const input = await bytes();
  expect(input.length).toBeLessThanOrEqual(longest);
  const run = () => target.run(input, () => undefined);
  const most = bounds(target.size?.(input) ?? input.length);

  const before = heldBytes();
  const outcome = await Promise.resolve()
    .then(run)
    .catch((error: unknown) => error);
  expect(heldBytes() - before).toBeLessThan(most.bytes);
  if (outcome !== undefined) {
    expect(outcome).toBeInstanceOf(BpfError);
    expect((outcome as BpfError).code).not.toBe('INTERNAL');
  }
  expect(await processorTime(run, most.ms)).toBeLessThan(most.ms);
});

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { lineCoverage } from './line-coverage';
import { targetNamed, targets } from './targets';
import { endIdle, fuzz, type Outcome } from './watchdog';

/**
 * `npm run fuzz -- [--target NAME] [--inputs N] [--seconds N] [--seed N] [--out DIR] [--lines]`: makes inputs of real
 * ones, by changes that know their form, and keeps those that go where none went before. The same seed and number of
 * inputs make the same inputs. DIR gets what was found, and the inputs that were kept: a later run begins with them.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', multiple: true },
      inputs: { type: 'string', default: '1e9' },
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: '1' },
      out: { type: 'string' },
      lines: { type: 'boolean', default: false },
    },
  });
  const limits = {
    inputs: Number(values.inputs),
    seconds: Number(values.seconds),
    seed: Number(values.seed),
  };
  const chosen = values.target?.map(targetNamed) ?? targets;
  let found = 0;
  for (const target of chosen) {
    const seeds = [...(await target.seeds()), ...keptIn(values.out, target.name)];
    const outcome = await fuzz(target, seeds, limits, (text) => console.log(text));
    found += outcome.findings.length;
    if (values.out !== undefined) store(values.out, outcome);
    const lines = values.lines ? await lineCoverage(target, [...seeds, ...outcome.corpus]) : undefined;
    console.log(
      JSON.stringify({
        target: target.name,
        seconds: Math.round(outcome.seconds),
        ...outcome.progress,
        findings: outcome.findings.length,
        lines,
      }),
    );
    for (const { kind, text, input } of outcome.findings)
      console.log(`  ${kind} (${input.length} bytes): ${text}`);
  }
  endIdle();
  process.exitCode = found > 0 ? 1 : 0;
}

function keptIn(out: string | undefined, target: string): Uint8Array[] {
  if (out === undefined) return [];
  const folder = path.join(out, target, 'corpus');
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder)
    .sort()
    .map((name) => new Uint8Array(readFileSync(path.join(folder, name))));
}

function store(out: string, { target, corpus, findings }: Outcome): void {
  const write = (folder: string, name: string, bytes: Uint8Array | string): void => {
    mkdirSync(path.join(out, target, folder), { recursive: true });
    writeFileSync(path.join(out, target, folder, name), bytes);
  };
  for (const input of corpus) write('corpus', digest(input), input);
  for (const { kind, key, text, input } of findings) {
    const name = `${kind}-${digest(input)}`;
    write('findings', name, input);
    write('findings', `${name}.txt`, `${key}\n${text}\n`);
  }
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

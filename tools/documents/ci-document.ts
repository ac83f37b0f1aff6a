import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

/** A step of a job, as far as we look at it. */
export interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
}

export interface Job {
  readonly 'runs-on': unknown;
  readonly needs?: string | readonly string[];
  readonly strategy?: { readonly matrix?: Readonly<Record<string, unknown>> };
  readonly environment?: string;
  readonly concurrency?: { readonly group: string };
  readonly steps: readonly Step[];
}

export interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

/** docs/ci.md. */
export const text = fs.readFileSync(path.resolve(__dirname, '../../docs/ci.md'), 'utf8');

const blocks = (language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block]) => block!);

const values = blocks('yaml').map((block) => parse(block, { strict: true, uniqueKeys: true }) as unknown);

/** Whole workflows, by the order of the document. */
export const workflows = values.filter((value): value is Workflow => !Array.isArray(value));

/** Lists of steps that stand alone. */
export const steps = values.filter((value): value is Step[] => Array.isArray(value));

/** Scripts for a shell. */
export const scripts = blocks('sh');

/**
 * The words of every command line of `nx-bpf` or `nx`, in blocks and in the text.
 *
 * @param document by default the whole page
 */
export function commandLines(document = text): string[][] {
  const plain = document.replaceAll(/\$\{\{ *([\w.]+) *\}\}/g, '$1');
  return [...plain.matchAll(/(?<![\w/.@-])(nx-bpf|nx) ([^`\n>|;&]+)/g)].map(([, command, rest]) => [
    command!,
    ...rest!.trim().split(/\s+/),
  ]);
}

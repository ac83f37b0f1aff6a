import fs from 'node:fs';
import { loadProject } from '../../../packages/deploy/src/manifest';
import { verify } from '../../../packages/deploy/src/verify';

/** What one pass over all kernels is told, on its command line as JSON. */
export interface PassInput {
  readonly workspaceRoot: string;
  readonly project: string;
  /** Files of objects by name. */
  readonly objects: Readonly<Record<string, string>>;
  readonly results: string;
}

/** What it took. */
export interface Pass {
  /** Milliseconds of all kernels together, in a process of its own; its start is not in it. */
  readonly verified: number;
  /** Most memory that the process had, in MiB. */
  readonly peak: number;
  /** Programs that relocate, of all kernels together. */
  readonly passed: number;
  readonly programs: number;
}

async function main(input: PassInput): Promise<Pass> {
  const config = loadProject({ workspaceRoot: input.workspaceRoot, project: input.project });
  const objects = Object.entries(input.objects).map(([name, file]) => ({ name, file }));
  const start = performance.now();
  const verdicts = await verify({ config, objects, results: input.results, note: console.error });
  const verified = performance.now() - start;
  const programs = verdicts.flatMap((verdict) => verdict.programs);
  const passed = programs.filter(({ relocates }) => relocates === 'yes').length;
  const peak = process.resourceUsage().maxRSS / 1024;
  return { verified, peak, passed, programs: programs.length };
}

void main(JSON.parse(process.argv[2]!) as PassInput).then((pass) =>
  fs.writeFileSync(process.argv[3]!, JSON.stringify(pass)),
);

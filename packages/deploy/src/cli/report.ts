import fs from 'node:fs';
import path from 'node:path';
import { BpfError, kernelIdentity } from '@nx-bpf/loader';
import { collectReport, renderPage, type Known } from '../page';
import { type Plan } from '../plan';
import { loadEach, verify } from '../verify';
import { isFrozen, objectsOf, relocations } from './objects';
import { outputDirectory } from './output-directory';
import { type Answer, type CommandInput } from './request';

/** `nx-bpf report`: a project in an environment as a page that people open. */
export async function report(input: CommandInput): Promise<Answer> {
  const { config, note, progress, request } = input;
  const { project, environment, workspaceRoot, kernels: named } = config;
  const objects = await objectsOf(input);
  const results = path.join(workspaceRoot, '.nx-bpf', 'cache', 'verified');
  const frozen = isFrozen(config, request);
  const kernels =
    Object.keys(named).length === 0 ? [] : await verify({ config, objects, results, note, progress, frozen });
  const plan = lastPlan(input);
  const page = renderPage(
    collectReport({ config, objects, kernels, plan, loaded: loadedHere(input, objects, results) }),
  );
  const file = path.resolve(
    request.out ?? path.join(config.projectRoot, 'dist', 'report', `${environment}.html`),
  );
  write(file, page);
  const shown = path.relative(workspaceRoot, file);
  return {
    lines: [`${project}@${environment} is in ${shown}`],
    result: { project, environment, file: shown, bytes: Buffer.byteLength(page) },
  };
}

/** Only at level `kernel`, since loading takes privileges. */
function loadedHere(input: CommandInput, objects: Known['objects'], results: string): Known['loaded'] {
  const { config, note, progress, request } = input;
  if (request.level !== 'kernel') return undefined;
  const cache = relocations(input);
  return {
    release: kernelIdentity().release,
    verdicts: loadEach({ config, objects, cache, results, note, progress }),
    cache,
  };
}

/** The plan that `nx-bpf plan` left beside the objects, if it did and it can be read. */
function lastPlan({ config, note }: CommandInput): Plan | undefined {
  const file = path.join(outputDirectory(config), 'plan.json');
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  try {
    const { plan } = JSON.parse(text) as { plan?: Plan };
    // A plan that failed has left an error in its place.
    return plan?.formatVersion === 1 ? plan : undefined;
  } catch {
    note(`${path.relative(config.workspaceRoot, file)} cannot be read: the report has no plan`);
    return undefined;
  }
}

function write(file: string, page: string): void {
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, page);
  } catch (cause) {
    throw new BpfError(
      'FILE',
      `${file} cannot be written: ${(cause as Error).message}`,
      { path: file },
      cause,
    );
  }
}

/**
 * A process that deploys what it is told to, over and over: one of several at once, started by `fork`. It answers each
 * request with what became of it.
 */
import fs from 'node:fs';
import { apply, destroy, repair, rollback, status } from '../../packages/deploy/src/apply';
import { RelocationCache } from '../../packages/deploy/src/cache';
import { loadProject } from '../../packages/deploy/src/manifest';
import { BpfError } from '../../packages/loader/src/errors';

export interface DeployRequest {
  readonly command: 'apply' | 'rollback' | 'destroy' | 'repair' | 'status';
  readonly workspace: string;
  readonly project: string;
  readonly set: readonly string[];
  readonly object: string;
  readonly cacheFolder: string;
}

export interface DeployAnswer {
  /** How many generations it made. */
  readonly generations: number;
  /** Code and text of an error. */
  readonly code: string | undefined;
  readonly message: string | undefined;
  /** How many descriptors the process has afterwards. */
  readonly descriptors: number;
}

process.on('message', (request: DeployRequest) => {
  void carryOut(request).then((answer) => process.send!(answer));
});

async function carryOut(request: DeployRequest): Promise<DeployAnswer> {
  const finished = (generations: number, code?: string, message?: string): DeployAnswer => ({
    ...{ generations, code, message },
    descriptors: fs.readdirSync('/proc/self/fd').length,
  });
  try {
    return finished(await generationsOf(request));
  } catch (error) {
    // Anything but our own error is a mistake of ours, and has its stack shown.
    if (!(error instanceof BpfError)) return finished(0, 'UNEXPECTED', String((error as Error).stack));
    return finished(0, error.code, error.message);
  }
}

async function generationsOf(request: DeployRequest): Promise<number> {
  const { command, workspace, project, set, object, cacheFolder } = request;
  const config = loadProject({ workspaceRoot: workspace, project, set });
  const note = (): void => undefined;
  switch (command) {
    case 'apply': {
      const cache = new RelocationCache(cacheFolder);
      const { plan } = await apply({ config, objects: [{ name: 'nxc', file: object }], cache, note });
      return plan.empty ? 0 : 1;
    }
    case 'rollback':
      await rollback(config, { note });
      return 1;
    case 'repair':
      return (await repair(config, note)).plan === undefined ? 0 : 1;
    case 'destroy':
      await destroy(config, note);
      return 0;
    case 'status':
      status(config);
      return 0;
  }
}

import fs from 'node:fs';
import path from 'node:path';
import { BpfError, fdById, nearest, openPin, type ErrorCode } from '@nx-bpf/loader';
import { findWorkspace, listProjects, loadProject } from '../manifest';
import { currentLedger, layoutOf, linkPin, openMap, programPin, type Layout, type Ledger } from '../state';

/** Where deployments are looked for. */
export interface Deployments {
  /** Environment; by default the manifest's, else the only one that is deployed. */
  readonly env?: string | undefined;
  /** Pin root; by default the workspace's, else the usual one. */
  readonly root?: string | undefined;
}

export type Kind = 'map' | 'program' | 'link';

/** What was found: the fd is the caller's. */
export interface Found {
  readonly fd: number;
  /** Its full name, where a ledger knows it. */
  readonly name: string | undefined;
  /** The deployment that it is of, where it was named by one. */
  readonly deployment?: { readonly layout: Layout; readonly ledger: Ledger } | undefined;
}

/** Where everything is pinned unless a manifest says otherwise. */
export const usualRoot = '/sys/fs/bpf/nx-bpf';

const notFound: Readonly<Record<Kind, ErrorCode>> = {
  map: 'MAP_NOT_FOUND',
  program: 'PROGRAM_NOT_FOUND',
  link: 'LINK_NOT_FOUND',
};

/**
 * A map, program or link as a command line names it: the path of a pin, the kernel's id, or `PROJECT/NAME` (or
 * `PROJECT@ENVIRONMENT/NAME`) of a deployment, by the full name that its ledger has.
 *
 * @throws BpfError PIN_NOT_FOUND, MAP_NOT_FOUND, PROGRAM_NOT_FOUND, LINK_NOT_FOUND with near names; PIN_INVALID for a
 *   pin of another kind; PRIVILEGE_MISSING for an id without CAP_SYS_ADMIN
 */
export function find(kind: Kind, target: string, deployments: Deployments = {}): Found {
  if (/^\d+$/.test(target)) return { fd: byId(kind, Number(target)), name: undefined };
  const [, project, environment, name] = /^([^/.@][^/@]*)(?:@([^/]+))?\/([^/]+)$/.exec(target) ?? [];
  if (project === undefined || name === undefined) return { fd: byPath(kind, target), name: undefined };
  const deployment = findDeployment(project, { ...deployments, env: environment ?? deployments.env });
  return { fd: inDeployment(kind, name, deployment), name, deployment };
}

function byId(kind: Kind, id: number): number {
  const fd = id > 0 && id < 0x1_0000_0000 ? fdById(kind, id) : undefined;
  if (fd !== undefined) return fd;
  throw new BpfError(notFound[kind], `no ${kind} has the id ${id}`, { symbol: String(id) });
}

function byPath(kind: Kind, target: string): number {
  if (!target.includes('/') && !fs.existsSync(target)) {
    throw new BpfError('USAGE', `'${target}' names no ${kind}`, {
      symbol: target,
      expected: 'the path of a pin, an id, or PROJECT/NAME of a deployment',
    });
  }
  try {
    return openPin(path.resolve(target), kind);
  } catch (error) {
    if (!(error instanceof BpfError) || error.code !== 'PIN_NOT_FOUND') throw error;
    const near = nearest(path.basename(target), siblings(target));
    const directory = path.dirname(target);
    throw new BpfError(
      'PIN_NOT_FOUND',
      `nothing is pinned at ${target}`,
      {
        path: target,
        hint:
          near.length > 0
            ? `did you mean ${near.map((name) => path.join(directory, name)).join(' or ')}?`
            : fs.existsSync(directory)
              ? `see what is in ${directory}`
              : `there is no directory ${directory} either`,
      },
      error,
    );
  }
}

function siblings(target: string): string[] {
  try {
    return fs.readdirSync(path.dirname(path.resolve(target)));
  } catch {
    return [];
  }
}

function inDeployment(
  kind: Kind,
  name: string,
  { layout, ledger }: { layout: Layout; ledger: Ledger },
): number {
  const unknown = (known: readonly string[]): BpfError => {
    const near = nearest(name, known);
    return new BpfError(notFound[kind], `${ledger.project}@${ledger.environment} has no ${kind} '${name}'`, {
      symbol: name,
      hint:
        near.length > 0
          ? `did you mean ${near.join(' or ')}?`
          : `it has ${known.length > 0 ? [...known].sort().join(', ') : 'none'}`,
    });
  };
  if (kind === 'map') {
    const map = ledger.maps.find((entry) => entry.name === name);
    if (map === undefined) throw unknown(ledger.maps.map((entry) => entry.name));
    const fd = openMap(map)?.release();
    if (fd !== undefined) return fd;
    throw new BpfError('MAP_NOT_FOUND', `map '${name}' of ${ledger.project}@${ledger.environment} is gone`, {
      map: name,
      path: map.pin,
      hint: `nx-bpf apply ${ledger.project} -e ${ledger.environment} puts it back`,
    });
  }
  const names =
    kind === 'program' ? ledger.programs.map((entry) => entry.name) : ledger.links.map(({ id }) => id);
  if (!names.includes(name)) throw unknown(names);
  return openPin(
    kind === 'program' ? programPin(layout, ledger.generation, name) : linkPin(layout, name),
    kind,
  );
}

/**
 * The deployment of a project: its ledger is under the pin root.
 *
 * @throws BpfError PIN_NOT_FOUND with near names when there is none
 */
export function findDeployment(
  project: string,
  deployments: Deployments,
): { layout: Layout; ledger: Ledger } {
  const known = workspaceOf(project, deployments);
  const root = deployments.root ?? known?.root ?? usualRoot;
  const deployed = environmentsOf(root, project);
  const environment =
    deployments.env ?? known?.environment ?? (deployed.length === 1 ? deployed[0] : undefined);
  if (environment === undefined && deployed.length > 1) {
    throw new BpfError('USAGE', `'${project}' is deployed in several environments`, {
      found: deployed.join(', '),
      hint: 'name one with -e',
    });
  }
  const layout = layoutOf(root, project, environment ?? 'dev');
  const ledger = environment === undefined ? undefined : currentLedger(layout);
  if (ledger !== undefined) return { layout, ledger };
  const near = nearest(project, directoriesIn(root));
  throw new BpfError(
    'PIN_NOT_FOUND',
    `${environment === undefined ? project : `${project}@${environment}`} is not deployed under ${root}`,
    {
      path: layout.ledger,
      hint:
        deployed.length > 0
          ? `it is in ${deployed.join(', ')}`
          : near.length > 0 && !near.includes(project)
            ? `did you mean ${near.join(' or ')}?`
            : 'nx-bpf apply deploys it; --root names another pin root',
    },
  );
}

/** What a manifest around the current directory says of a project; an operator's host has none. */
function workspaceOf(
  project: string,
  { env, root }: Deployments,
): { root: string; environment: string } | undefined {
  if (root !== undefined) return undefined;
  let workspaceRoot: string;
  try {
    workspaceRoot = findWorkspace(process.cwd());
  } catch {
    return undefined;
  }
  if (!listProjects(workspaceRoot).some(({ name }) => name === project)) return undefined;
  try {
    const config = loadProject({ workspaceRoot, project, environment: env });
    return { root: config.pin.root, environment: config.environment };
  } catch (error) {
    // What runs can be looked at while the manifest is being edited: its pins say enough.
    if (error instanceof BpfError && error.code === 'MANIFEST_INVALID') return undefined;
    throw error;
  }
}

/**
 * Every deployment under a pin root, for a list of what there is: one whose ledger cannot be read does not end it.
 *
 * @param note told of those
 */
export function allDeployments(root: string, note: (text: string) => void): Ledger[] {
  return directoriesIn(root).flatMap((project) =>
    environmentsOf(root, project).flatMap((environment) => {
      try {
        const ledger = currentLedger(layoutOf(root, project, environment));
        return ledger === undefined ? [] : [ledger];
      } catch (error) {
        if (!(error instanceof BpfError)) throw error;
        note(`what is of ${project}@${environment} is not told: ${error.message}`);
        return [];
      }
    }),
  );
}

/** Directories with a ledger, or with what leads to it where its pin was removed. */
function environmentsOf(root: string, project: string): string[] {
  return directoriesIn(path.join(root, project)).filter((environment) => {
    const { ledger, current } = layoutOf(root, project, environment);
    return fs.existsSync(ledger) || fs.existsSync(current);
  });
}

function directoriesIn(directory: string): string[] {
  try {
    return fs
      .readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  } catch {
    return [];
  }
}

import { hookNames, listLinks, programInfo, withObject } from '@nx-bpf/loader';
import { BpfError, nearest } from '@nx-bpf/loader/errors';
import { table } from '../../report';
import { done, type ObjectOptions } from '../group';
import { type Outcome } from '../request';
import { ownersOf, pinsOf, programName } from '../survey';

/** A link as `nx-bpf link list --json` has it. */
export interface LinkRow {
  readonly id: number;
  readonly hook: string;
  /** Hook and place: `xdp on eth0 (native)`. */
  readonly where: string;
  readonly programId: number;
  readonly program: string | null;
  /** `project/environment` of the deployment that it is of, and its id there. */
  readonly owner: string | null;
  readonly name: string | null;
  readonly pins: readonly string[];
}

/** `nx-bpf link list` */
export function list(options: ObjectOptions & { hook?: string }): Outcome {
  const hook = options.hook?.split(',').filter((name) => name !== '');
  hook?.forEach(checkHook);
  const pins = pinsOf('link');
  const owners = ownersOf('link', options);
  const programs = ownersOf('program', options);
  const links = listLinks({ hook }).map(({ id, hook: name, where, info }): LinkRow => {
    const owned = owners.get(id);
    const program =
      programs.get(info.programId)?.name ??
      (info.programId === 0
        ? undefined
        : withObject('program', info.programId, (fd) => programName(fd, programInfo(fd))));
    return {
      id,
      hook: name,
      where,
      programId: info.programId,
      program: program ?? null,
      owner: owned?.owner ?? null,
      name: owned?.name ?? null,
      pins: pins.get(id) ?? [],
    };
  });
  process.stdout.write(options.json ? `${JSON.stringify(links)}\n` : `${render(links).join('\n')}\n`);
  return { ...done, result: links };
}

function render(links: readonly LinkRow[]): string[] {
  if (links.length === 0) return ['no links'];
  return table(links, [
    { title: 'id', of: (l) => l.id },
    { title: 'hook', of: (l) => l.where },
    { title: 'program', of: (l) => (l.program === null ? '-' : `${l.program} (${l.programId})`) },
    { title: 'of', of: (l) => (l.owner === null ? '-' : `${l.owner} ${l.name}`) },
    { title: 'pins', of: (l) => l.pins.join(' ') || '-' },
  ]);
}

/** Names of hooks whose links the kernel tells apart. */
function checkHook(name: string): void {
  const known: readonly string[] = [
    ...hookNames,
    'kprobe',
    'kretprobe',
    'uprobe',
    'uretprobe',
    'kprobe_multi',
    'uprobe_multi',
    'perf_event',
  ];
  if (known.includes(name)) return;
  const near = nearest(name, known);
  throw new BpfError('USAGE', `--hook ${name}: no such hook`, {
    symbol: name,
    hint:
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `known are ${[...known].sort().join(', ')}`,
  });
}

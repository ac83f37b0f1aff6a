import { allIds, programInfo, programTypeName, programTypes, withObject } from '@nx-bpf/loader';
import { BpfError, nearest } from '@nx-bpf/loader/errors';
import { table } from '../../report';
import { done, type ObjectOptions } from '../group';
import { type Outcome } from '../request';
import { ownerOnCard, ownersOf, pinsOf, programName, type Owned } from '../survey';

/** A program as `nx-bpf prog list --json` has it. */
export interface ListedProgram {
  readonly id: number;
  readonly type: string;
  /** In full, where its BTF or a ledger tells; else the kernel's 15 bytes. */
  readonly name: string;
  readonly tag: string;
  /** After the verifier; null where it may not be seen. */
  readonly insns: number | null;
  /** Instructions that the verifier walked; null where the kernel does not say (before 5.16). */
  readonly verified: number | null;
  /** Counted only while statistics are on: `nx-bpf prog stats`. */
  readonly runs: string | number;
  readonly runTimeNs: string | number;
  readonly mapIds: readonly number[];
  /** `project/environment` of the deployment that it is of. */
  readonly owner: string | null;
  readonly pins: readonly string[];
}

/** `nx-bpf prog list` */
export function list(options: ObjectOptions & { type?: string }): Outcome {
  if (options.type !== undefined) checkType(options.type);
  const pins = pinsOf('program');
  const owners = ownersOf('program', options);
  const programs = allIds('program').flatMap((id) => {
    // A program can go while they are listed.
    const program = withObject('program', id, (fd) => describe(fd, owners.get(id), pins.get(id) ?? []));
    return program === undefined || (options.type !== undefined && program.type !== options.type)
      ? []
      : [program];
  });
  process.stdout.write(options.json ? `${JSON.stringify(programs)}\n` : `${render(programs).join('\n')}\n`);
  return { ...done, result: programs };
}

function describe(fd: number, owned: Owned | undefined, pins: readonly string[]): ListedProgram {
  const info = programInfo(fd);
  return {
    id: info.id,
    type: programTypeName(info.type),
    name: owned?.name ?? programName(fd, info),
    tag: info.tag,
    insns: info.xlatedSize === 0 ? null : info.xlatedSize / 8,
    verified: info.verifiedInsns === 0 ? null : info.verifiedInsns,
    runs: exact(info.runCount),
    runTimeNs: exact(info.runTimeNs),
    mapIds: info.mapIds,
    owner: owned?.owner ?? ownerOnCard(info) ?? null,
    pins,
  };
}

function exact(value: bigint): string | number {
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

function render(programs: readonly ListedProgram[]): string[] {
  if (programs.length === 0) return ['no programs'];
  return table(programs, [
    { title: 'id', of: (p) => p.id },
    { title: 'type', of: (p) => p.type },
    { title: 'name', of: (p) => p.name },
    { title: 'tag', of: (p) => p.tag },
    { title: 'insns', of: (p) => p.insns ?? '-' },
    { title: 'verified', of: (p) => p.verified ?? '-' },
    { title: 'runs', of: (p) => p.runs },
    { title: 'of', of: (p) => p.owner ?? '-' },
    { title: 'pins', of: (p) => p.pins.join(' ') || '-' },
  ]);
}

function checkType(type: string): void {
  const names: readonly string[] = programTypes.names.filter((name) => name !== 'unspec');
  if (names.includes(type)) return;
  const near = nearest(type, names);
  throw new BpfError('USAGE', `--type ${type}: no such program type`, {
    symbol: type,
    hint:
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `known are ${[...names].sort().join(', ')}`,
  });
}

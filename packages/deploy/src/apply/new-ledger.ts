import { mapTypeName } from '@nx-bpf/loader';
import { type AttachEntry } from '../manifest';
import { type Desired } from '../plan';
import { type Ledger, type LedgerMap } from '../state';
import { type Live } from './load-programs';
import { type LiveLink } from './links';

export interface LedgerInputs {
  readonly desired: Desired;
  readonly recorded: Ledger | undefined;
  readonly generation: number;
  readonly kernel: string;
  readonly live: Live;
  readonly links: ReadonlyMap<string, LiveLink>;
  readonly entry: (link: string) => AttachEntry;
}

/** The record of a generation: what was wanted, under the names and ids that the kernel gave it. */
export function newLedger({
  desired,
  recorded,
  generation,
  kernel,
  live,
  links,
  entry,
}: LedgerInputs): Ledger {
  const { project, environment, revision, objects } = desired;
  const since = (kind: 'programs' | 'maps', name: string): number =>
    recorded?.[kind].find((each) => each.name === name)?.since ?? generation;
  return {
    format: 1,
    project,
    environment,
    generation,
    revision,
    committed: new Date().toISOString(),
    kernel,
    objects,
    programs: desired.programs.map(({ maps, ...program }) => {
      const { info, fresh } = live.programs.get(program.name)!;
      return {
        ...program,
        id: info.id,
        tag: info.tag,
        verified: info.verifiedInsns,
        maps,
        since: fresh ? generation : since('programs', program.name),
      };
    }),
    maps: desired.maps.flatMap((map): LedgerMap[] => {
      const made = live.maps.get(map.name);
      if (made === undefined) return [];
      const { info, fresh, adopted } = made;
      return [
        {
          name: map.name,
          type: mapTypeName(info.type),
          id: info.id,
          keySize: info.keySize,
          valueSize: info.valueSize,
          // The kernel's numbers: ring buffers are rounded, per-CPU arrays of events sized by the machine.
          maxEntries: info.maxEntries,
          flags: info.flags,
          abi: map.abi,
          pin: map.pin,
          object: map.object,
          slots: map.slots,
          adopted,
          since: fresh ? generation : since('maps', map.name),
        },
      ];
    }),
    links: desired.links.map(({ id, program, hook, spec }) => {
      const { link, target } = links.get(id)!;
      const programId = live.programs.get(program)!.info.id;
      return { id, program, hook, target, spec, entry: entry(id), kernelId: link.id, programId };
    }),
  };
}

import { mapTypeName } from '@nx-bpf/loader';
import { type Desired } from '../plan';
import { attachPoints, frozenDigest, translatedDigest, type Ledger, type LedgerMap } from '../state';
import { type Live } from './load-programs';
import { recordOf, type LiveLink } from './links';
import { runnableId } from './runnable';

export interface LedgerInputs {
  readonly desired: Desired;
  readonly recorded: Ledger | undefined;
  readonly generation: number;
  readonly kernel: string;
  readonly live: Live;
  readonly links: ReadonlyMap<string, LiveLink>;
}

/** The record of a generation: what was wanted, under the names and ids that the kernel gave it. */
export function newLedger({ desired, recorded, generation, kernel, live, links }: LedgerInputs): Ledger {
  const { project, environment, revision, objects } = desired;
  const since = (kind: 'programs' | 'maps', name: string): number =>
    recorded?.[kind].find((each) => each.name === name)?.since ?? generation;
  const neighbours = attachPoints(
    desired.links.map(({ id, program, entry }) => ({
      id,
      entry,
      attachType: live.programs.get(program)?.attachType ?? 0,
    })),
  );
  return {
    format: 2,
    rolledBackFrom: null,
    project,
    environment,
    generation,
    revision,
    committed: new Date().toISOString(),
    kernel,
    objects,
    programs: desired.programs.map((program) => {
      const { fd, info, attachType, target, fresh } = live.programs.get(program.name)!;
      return {
        name: program.name,
        object: program.object,
        function: program.function,
        section: program.section,
        type: program.type,
        insns: program.insns,
        instructions: program.instructions,
        maps: program.maps,
        id: info.id,
        tag: info.tag,
        attachType,
        attachTarget: target ?? null,
        verified: info.verifiedInsns,
        translated: translatedDigest(fd.number),
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
          key: map.key,
          value: map.value,
          frozen: frozenDigest(made.fd.number, info),
          protect: map.protect,
          pin: map.pin,
          object: map.object,
          slots: map.slots,
          // What projects share is nobody else's: the last of them removes it.
          adopted: adopted && !map.shared,
          since: fresh ? generation : since('maps', map.name),
        },
      ];
    }),
    links: desired.links.map(({ id, program, hook, spec, entry }) => {
      const made = links.get(id)!;
      const programId = runnableId(live, { program, hook });
      const named = { id, program, hook, target: made.target, spec, entry, ...recordOf(made), programId };
      return { ...named, neighbours: neighbours.get(id)?.programIds ?? null };
    }),
  };
}

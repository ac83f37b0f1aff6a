import { linkPin, programPin, type Deployment, type Layout, type Ledger } from '../state';

/** A ledger as people and scripts are shown it. */
export function deploymentOf(layout: Layout, ledger: Ledger): Deployment {
  return {
    project: ledger.project,
    environment: ledger.environment,
    generation: ledger.generation,
    programs: ledger.programs.map((program) => ({
      name: program.name,
      object: program.object,
      section: program.section,
      type: program.type,
      id: program.id,
      tag: program.tag,
      insns: program.insns,
      verified: program.verified === 0 ? null : program.verified,
      pin: programPin(layout, ledger.generation, program.name),
    })),
    maps: ledger.maps.map(({ name, type, id, keySize, valueSize, maxEntries, flags, pin, adopted }) => ({
      name,
      type,
      id,
      keySize,
      valueSize,
      maxEntries,
      flags,
      pin: pin ?? null,
      adopted,
    })),
    links: ledger.links.map(({ id, program, hook, target, kernelId }) => ({
      id,
      program,
      hook,
      target,
      kernelId,
      pin: linkPin(layout, id),
    })),
  };
}

import { createHash } from 'node:crypto';
import { instructionsDigest, programCapabilities, programTypeName } from '@nx-bpf/loader';
import { namedBy, type AttachEntry, type Problems, type ProjectConfig } from '../manifest';
import { exclusivePlace, type Desired, type DesiredLink, type DesiredProgram } from '../plan';
import { temporaryPrefix, type AttachPlace, type Layout } from '../state';
import { deployedName, desiredMaps, mapsOf } from './desired-maps';
import { structOpsLinks, structOpsPrograms, structsOf } from './desired-struct-ops';
import { placeOf, sortedEntries, type PreparedObject } from './prepare';
import { isUpdatable } from './runnable';

/**
 * What the manifest and its objects ask for. What does not fit together goes into `problems`: objects that define a
 * map of one name differently, a map of the manifest that no object has, a program without a type.
 */
export function desiredState(
  config: ProjectConfig,
  layout: Layout,
  objects: readonly PreparedObject[],
  problems: Problems,
): Desired {
  const named = [
    ...sortedEntries(config.programs).map(([name, { object, function: entry }]) => ({
      name,
      object,
      function: entry,
    })),
    ...structOpsPrograms(config, objects, problems),
  ];
  const programs = named.flatMap(({ name, object, function: entry }): DesiredProgram[] => {
    const prepared = objects.find((candidate) => candidate.name === object);
    const program = prepared?.relocated.programs.find((candidate) => candidate.name === entry);
    if (prepared === undefined || program === undefined) return [];
    return [
      {
        name,
        object,
        function: entry,
        section: program.section,
        type: program.type === undefined ? 'unknown' : programTypeName(program.type),
        insns: program.instructions.length / 8,
        instructions: instructionsDigest(program.instructions),
        maps: [
          ...mapsOf(prepared.relocated, program).map((map) => deployedName(object, map)),
          ...structsOf(config, prepared, program),
        ],
        capabilities: program.type === undefined ? [] : programCapabilities(program.type),
      },
    ];
  });
  programs.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const maps = desiredMaps(config, layout, objects, problems);
  checkNames(config, maps, problems);
  checkReplaced(config, problems);
  return {
    project: config.project,
    environment: config.environment,
    revision: config.revision,
    objects: objects
      .filter((object) => object.wanted.length > 0)
      .map(({ name, digest, constants, sources, toolchain }) => ({
        name,
        object: digest,
        constants,
        sources,
        toolchain,
      })),
    programs,
    maps,
    links: [
      ...sortedEntries(config.programs)
        .flatMap(([program, { attach }]) => attach.map((entry) => ({ program, entry })))
        .map(({ program, entry }) => desiredLink(program, entry, programs)),
      ...structOpsLinks(config, objects),
    ].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)),
    variants: sortedEntries(config.choices ?? {}).map(([program, choice]) => ({ program, ...choice })),
  };
}

function desiredLink(program: string, entry: AttachEntry, programs: readonly DesiredProgram[]): DesiredLink {
  const loading = programs.find(({ name }) => name === program)?.capabilities ?? [];
  return {
    id: entry.id,
    program,
    hook: entry.hook,
    target: targetText(entry),
    spec: createHash('sha256')
      .update(JSON.stringify([entry.hook, entry.netns, entry.options]))
      .digest('hex'),
    updatable: isUpdatable(entry),
    replace: entry.replace,
    exclusive: exclusivePlace(entry),
    uses: { maps: namedBy(entry, 'map'), programs: namedBy(entry, 'program') },
    replaces: replacedBy(entry),
    entry,
    // What traces needs CAP_PERFMON again; what has a say in the network's matters, CAP_NET_ADMIN.
    capabilities: loading.includes('CAP_PERFMON') ? ['CAP_PERFMON'] : ['CAP_NET_ADMIN'],
  };
}

function replacedBy({ hook, options }: AttachEntry): DesiredLink['replaces'] {
  const { program, function: name } = options;
  if (hook !== 'freplace' || typeof program !== 'string') return null;
  return { program, function: typeof name === 'string' ? name : undefined };
}

/** Where the wanted links go, and with which attach types. */
export function wantedPlaces(objects: readonly PreparedObject[], desired: Desired): AttachPlace[] {
  const attachTypes = new Map(
    desired.programs.map(({ name, object, function: entry }) => [
      name,
      objects.find((each) => each.name === object)?.relocated.programs.find((each) => each.name === entry)
        ?.attachType ?? 0,
    ]),
  );
  return desired.links.map(({ id, program, entry }) => ({
    id,
    entry,
    attachType: attachTypes.get(program) ?? 0,
  }));
}

/** Where an attachment goes, for people, before it is made: the made link says it better. */
function targetText(entry: AttachEntry): string {
  const values = Object.values(entry.options as Record<string, string | undefined>).filter(
    (value) => value !== undefined,
  );
  return [entry.hook, ...values, ...(entry.netns === null ? [] : [`in netns ${entry.netns}`])].join(' ');
}

/** Names that pins under way have. */
function checkNames(
  config: ProjectConfig,
  maps: readonly { readonly name: string }[],
  problems: Problems,
): void {
  const check = (kind: string, name: string, where: string): void => {
    if (!name.startsWith(temporaryPrefix)) return;
    problems.add(
      placeOf(config, [where, 'objects']),
      `${kind} '${name}': names that start with ${temporaryPrefix} are those of pins under way; rename it`,
    );
  };
  for (const { name } of maps) check('map', name, `maps.${name}`);
  for (const [name, { attach }] of sortedEntries(config.programs)) {
    check('program', name, `programs.${name}`);
    for (const { id } of attach) check('link', id, `programs.${name}.attach.${id}`);
  }
  for (const id of Object.keys(config.structOps)) check('link', id, `structOps.${id}`);
}

/** A program is loaded with the program whose function it replaces: an object cannot wait for itself. */
function checkReplaced(config: ProjectConfig, problems: Problems): void {
  for (const [name, { object, attach }] of sortedEntries(config.programs)) {
    for (const entry of attach) {
      const replaced = replacedBy(entry)?.program;
      const place = placeOf(config, [`programs.${name}.attach.${entry.id}`, `programs.${name}`]);
      if (entry.hook === 'freplace' && replaced === undefined) {
        problems.add(place, `program '${name}': freplace.program is missing: whose function it replaces`);
      } else if (replaced !== undefined && config.programs[replaced]?.object === object) {
        problems.add(
          place,
          `program '${name}' replaces a function of '${replaced}', which is in the same object: put one of them into another`,
        );
      }
    }
  }
}

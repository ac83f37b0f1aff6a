import { checkAnchors } from './anchors';
import { type AttachEntry, type ProgramConfig, type VariantConditions, type VariantConfig } from './config';
import { type Path } from './located';
import { mapValues } from './map-values';
import { type Item, type Named, type Resolver } from './resolve';
import { resolveAttachments, type WrittenAttachment } from './resolve-attach';
import { suggestion } from './suggestion';

type Attachments = Named<WrittenAttachment>;
type WrittenItem = Item<'programs'>;
type WrittenVariant = Omit<NonNullable<WrittenItem['variants']>[number], 'attach'> & {
  readonly attach?: Attachments | undefined;
};
/** As merged: lists by id and by name. */
export type WrittenProgram = Omit<WrittenItem, 'attach' | 'variants'> & {
  readonly attach: Attachments;
  readonly variants: Named<WrittenVariant> | readonly never[];
};

/** Programs and their variants; what a variant leaves out is the program's. */
export function resolvePrograms(
  programs: Named<WrittenProgram>,
  objects: Named<unknown>,
  resolver: Resolver,
): Named<ProgramConfig> {
  const ids = new Map<string, string>();
  const resolved = mapValues(programs, (program, name) => {
    const at = ['programs', name];
    const attach = attachments(program.attach, at, resolver);
    const variants = resolveVariants(program, { at, attach, objects }, resolver);
    if (variants.length === 0) {
      checkObject(program.object, at, objects, resolver);
      if (program.optional === true)
        resolver.problem([...at, 'optional'], 'it says nothing here: the program has no variants');
    }
    const { insns, deltaPct } = program.budgets ?? {};
    const own = {
      ...basics(program),
      attach,
      variants,
      optional: program.optional === true,
      budgets: { insns, deltaPct },
    };
    for (const { id, path } of attachmentsOf(own, at)) {
      const other = ids.get(id);
      if (other !== undefined && other !== name) {
        resolver.problem(
          path,
          `the id is that of an attachment of '${other}' too: ids are unique in a project`,
        );
      }
      ids.set(id, name);
    }
    return own;
  });
  // Which neighbours there are is known only when variants are chosen.
  if (Object.values(resolved).every(({ variants }) => variants.length === 0))
    checkAnchors(resolved, (program, id, text) =>
      resolver.problem(['programs', program, 'attach', id], text),
    );
  return resolved;
}

interface Holder {
  readonly at: Path;
  readonly attach: readonly AttachEntry[];
  readonly objects: Named<unknown>;
}

/** In the order in which the manifest lists them. */
function resolveVariants(
  program: WrittenProgram,
  { at, attach, objects }: Holder,
  resolver: Resolver,
): VariantConfig[] {
  const entries = Array.isArray(program.variants)
    ? []
    : Object.entries(program.variants as Named<WrittenVariant>);
  return entries.map(([name, variant], index) => {
    const path = [...at, 'variants', name];
    const object = variant.object ?? program.object;
    checkObject(object, variant.object === undefined ? path : [...path, 'object'], objects, resolver);
    const when = conditions(variant.when);
    const [next] = entries[index + 1] ?? [];
    if (next !== undefined && Object.keys(when).length === 0)
      resolver.problem(
        path,
        `it always holds, so '${next}' is never used: give it conditions, or put it last`,
      );
    return {
      name,
      when,
      object: object ?? '',
      function: variant.function ?? program.function!,
      attach: variant.attach === undefined ? attach : attachments(variant.attach, path, resolver),
    };
  });
}

function conditions(when: WrittenVariant['when']): VariantConditions {
  const given = Object.entries(when ?? {}).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(given);
}

function basics({ object, function: entry }: WrittenProgram): Pick<ProgramConfig, 'object' | 'function'> {
  return { object: object ?? '', function: entry! };
}

function attachments(written: Attachments, at: Path, resolver: Resolver): AttachEntry[] {
  return resolveAttachments(written, (id, text) => resolver.problem([...at, 'attach', id], text));
}

/** Every attachment of a program and of its variants, with where it is written. */
export function attachmentsOf(
  program: ProgramConfig,
  at: Path,
): { readonly id: string; readonly path: Path }[] {
  const pathed = (attach: readonly AttachEntry[], path: Path) =>
    attach.map(({ id }) => ({ id, path: [...path, 'attach', id] }));
  return [
    ...pathed(program.attach, at),
    ...program.variants.flatMap(({ name, attach }) => pathed(attach, [...at, 'variants', name])),
  ];
}

/** An object that is named must be there. @param at of what names it */
export function checkObject(
  object: string | undefined,
  at: Path,
  objects: Named<unknown>,
  resolver: Resolver,
): void {
  if (object === undefined) {
    const known = Object.keys(objects).sort().join(', ') || 'none, there is none';
    resolver.problem(at, `object is missing: one of ${known}`);
  } else if (!Object.hasOwn(objects, object)) {
    const hint = suggestion(object, Object.keys(objects));
    resolver.problem(
      [...at, ...(at.at(-1) === 'object' ? [] : ['object'])],
      `no object is named '${object}'; ${hint}`,
    );
  }
}

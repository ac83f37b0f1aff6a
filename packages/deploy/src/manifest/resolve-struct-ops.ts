import { type ProgramConfig, type StructOpsConfig } from './config';
import { mapValues } from './map-values';
import { type Item, type Named, type Resolver } from './resolve';
import { attachmentsOf, checkObject } from './resolve-programs';

/** Structs of programs; their ids are among those of attachments, and each variable is attached once. */
export function resolveStructOps(
  written: Named<Item<'structOps'>>,
  { programs, objects }: { readonly programs: Named<ProgramConfig>; readonly objects: Named<unknown> },
  resolver: Resolver,
): Named<StructOpsConfig> {
  const ids = new Map(
    Object.entries(programs).flatMap(([name, program]) =>
      attachmentsOf(program, ['programs', name]).map(({ id }) => [id, name] as const),
    ),
  );
  const variables = new Map<string, string>();
  return mapValues(written, (entry, id) => {
    const at = ['structOps', id];
    checkObject(entry.object, at, objects, resolver);
    const other = ids.get(id);
    if (other !== undefined)
      resolver.problem(at, `the id is that of an attachment of '${other}' too: ids are unique in a project`);
    const { object = '', map = id, optional = false } = entry;
    const twin = variables.get(map);
    if (twin !== undefined)
      resolver.problem(at, `it is '${map}', as '${twin}' is: the kernel takes each once`);
    variables.set(map, id);
    return { object, map, optional };
  });
}

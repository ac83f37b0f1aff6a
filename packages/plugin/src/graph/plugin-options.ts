import { targetNames, type TargetName } from './target-names';

/**
 * Options of the plugin in nx.json: other names for its targets, such as `{ "buildTargetName": "compile" }`.
 * `bpf-build` is `buildTargetName`, and so on.
 */
export type PluginOptions = { readonly [N in TargetName as `${Suffix<N>}TargetName`]?: string };

type Suffix<N extends string> = N extends `bpf-${infer S}` ? S : never;

/**
 * What each target is called in this workspace.
 *
 * @throws Error for an option that there is not, or a name that is none
 */
export function namesOfTargets(options: PluginOptions | undefined): ReadonlyMap<TargetName, string> {
  const known = new Map(targetNames.map((name) => [`${name.slice('bpf-'.length)}TargetName`, name]));
  const names = new Map<TargetName, string>(targetNames.map((name) => [name, name]));
  for (const [option, value] of Object.entries(options ?? {})) {
    const name = known.get(option);
    if (name === undefined) {
      throw new Error(
        `nx.json: @nx-bpf/plugin has no option '${option}': known are ${[...known.keys()].join(', ')}`,
      );
    }
    if (typeof value !== 'string' || !/^[\w-]+$/.test(value)) {
      throw new Error(
        `nx.json: ${option} of @nx-bpf/plugin: found '${String(value)}', expected a target's name`,
      );
    }
    names.set(name, value);
  }
  return names;
}

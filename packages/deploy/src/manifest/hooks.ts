import {
  features,
  hookNames as allHookNames,
  hooks as hookTable,
  type HookName,
  type HookOption,
} from '@nx-bpf/loader';

export { type HookName };

/** Something that can be asked of a kernel. */
export type FeatureName = keyof typeof features;

/** What conditions of variants can name: hooks that a manifest cannot attach to as well. */
export const featureNames = Object.keys(features) as FeatureName[];
export const allHooks: readonly HookName[] = allHookNames;

/** What a program can be attached to, as a manifest says it. */
export interface Hook {
  readonly about: string;
  /** First version of Linux that has it. */
  readonly since: string;
  /** Its options but the network namespace, which an entry of `attach` says beside the hook. */
  readonly keys: Readonly<Record<string, HookOption>>;
  /** Whether an entry may say a network namespace. */
  readonly inNetns: boolean;
}

/**
 * An option as written. Numbers of 64 bits may be text, in decimal or as 0x...; a `map`, `program` or `link` is one of
 * the project by its name, or the path of a pin.
 */
export type OptionValue = string | number | boolean | readonly (string | number)[];

/** The options of one attachment: those left out are not there. */
export type HookOptions = Readonly<Record<string, OptionValue>>;

/**
 * The hooks that a manifest can name, by the key that names them, made from the loader's table. Left out are options
 * that mean something only to a running process (a pid, a revision, a socket), and hooks that need one of these.
 */
export const hooks: Readonly<Partial<Record<HookName, Hook>>> = Object.fromEntries(
  allHookNames.flatMap((name) => {
    const { about, since, options } = hookTable[name];
    const entries = Object.entries<HookOption>(options);
    if (entries.some(([, option]) => option.required && !isLasting(option))) return [];
    const keys = Object.fromEntries(
      entries.filter(([, option]) => isLasting(option) && option.type !== 'netns'),
    );
    return [[name, { about, since, keys, inNetns: entries.some(([, { type }]) => type === 'netns') }]];
  }),
);

function isLasting({ type, passing }: HookOption): boolean {
  return passing !== true && type !== 'socket';
}

export const hookNames = Object.keys(hooks) as HookName[];

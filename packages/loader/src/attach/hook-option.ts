/**
 * What an option of a hook takes, in the words of what it names: a schema, a command's help and the question whether
 * a target is there are all made from it. Words in a list: one of them. `list`: several of that kind.
 *
 * `map`, `program` and `link` are handles in a program, and in text the path of a pin; `socket` is a file descriptor.
 * `u64` is a bigint, `kernel_function` may have `MODULE:` before its name and an offset behind.
 */
export type OptionType =
  | 'text'
  | 'integer'
  | 'u64'
  | 'boolean'
  | 'interface'
  | 'netns'
  | 'cgroup'
  | 'file'
  | 'kernel_function'
  | 'map'
  | 'program'
  | 'link'
  | 'socket'
  | readonly string[]
  | { readonly list: 'text' | 'u64' };

/** An option of a hook, as data. */
export interface HookOption {
  readonly about: string;
  readonly type: OptionType;
  readonly required?: boolean;
  /** What holds if it is left out, where that is one value. */
  readonly default?: string | number | boolean;
  /** It names what passes, such as a process: nothing that a file could say once and for all. */
  readonly passing?: boolean;
}

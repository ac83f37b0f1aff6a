import { type OptionType } from '@nx-bpf/loader';
import { hooks, type HookName } from './hooks';
import { count, either, flag, list, nullable, oneOf, record, text, type JsonShape } from './json-shape';

const head = record({
  id: text,
  optional: flag,
  replace: oneOf(['make-before-break', 'gap']),
  netns: nullable(text),
  hook: oneOf(Object.keys(hooks)),
  options: record({}),
});

/** An attachment out of JSON: of a hook that there is, with the options that it needs and no others. */
export const attachShape: JsonShape = (value, at) => {
  const problem = head(value, at);
  if (problem !== undefined) return problem;
  const { hook, options } = value as { hook: HookName; options: Readonly<Record<string, unknown>> };
  const { keys } = hooks[hook]!;
  const missing = Object.keys(keys).find((key) => keys[key]!.required && !Object.hasOwn(options, key));
  if (missing !== undefined) return `${at}.options: found no ${missing}, which ${hook} needs`;
  for (const [key, option] of Object.entries(options)) {
    const place = `${at}.options.${key}`;
    if (!Object.hasOwn(keys, key)) return `${place}: ${hook} has no such option`;
    const wrong = optionShape(keys[key]!.type)(option, place);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
};

function optionShape(type: OptionType): JsonShape {
  if (typeof type === 'object') return 'list' in type ? list(optionShape(type.list)) : oneOf(type);
  switch (type) {
    case 'boolean':
      return flag;
    case 'integer':
      return integer;
    case 'u64':
      return either(count, u64Text);
    default:
      return text;
  }
}

const integer: JsonShape = (value, at) =>
  Number.isSafeInteger(value) ? undefined : `${at}: expected a whole number`;

const u64Text: JsonShape = (value, at) =>
  typeof value === 'string' && /^(0x[0-9a-fA-F]{1,16}|[0-9]{1,20})$/.test(value) && BigInt(value) < 1n << 64n
    ? undefined
    : `${at}: expected a number from 0 to 2^64 - 1`;

/** A struct_ops as something attached. */
const structOps = record({
  id: text,
  optional: flag,
  replace: oneOf(['make-before-break']),
  netns: oneOf([null]),
  hook: oneOf(['struct_ops']),
  options: record({ struct: text, link: flag }),
});

/** What a link, or what stands for one, is made from. */
export const linkEntryShape: JsonShape = (value, at) =>
  (value as { hook?: unknown } | null | undefined)?.hook === 'struct_ops'
    ? structOps(value, at)
    : attachShape(value, at);

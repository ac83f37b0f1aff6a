import type { z as Zod } from 'zod';
import { type HookOption, type OptionType } from '@nx-bpf/loader';

/** What is expected of an option's value, as messages show it. */
const expected = {
  text: 'text',
  integer: 'a whole number',
  u64: 'a number from 0 to 2^64 - 1, in quotes beyond 2^53',
  boolean: 'true or false',
  interface: 'the name of a network interface',
  cgroup: 'the path of a cgroup',
  file: 'the path of a file',
  kernel_function: 'the name of a function of the kernel',
  map: 'the name of a map of the project, or the path of a pin',
  program: 'the name of a program of the project, or the path of a pin',
  link: 'the id of an attachment of the project, or the path of a pin',
} as const;

/** The schema of one option of a hook. */
export function optionSchema(z: typeof Zod, { type, about, default: value }: HookOption): Zod.ZodType {
  const suffix = value === undefined ? '' : `; default ${value}`;
  return typeSchema(z, type)
    .nullish()
    .describe(`${about.charAt(0).toUpperCase()}${about.slice(1)}${about.includes('default') ? '' : suffix}.`);
}

function typeSchema(z: typeof Zod, type: OptionType): Zod.ZodType {
  if (typeof type === 'object') {
    if ('list' in type) {
      const item = typeSchema(z, type.list);
      return z.array(item, { error: `a list, each ${expected[type.list]}` }).min(1);
    }
    return z.enum(type, { error: type.length > 8 ? 'one of the known words' : type.join(', ') });
  }
  switch (type) {
    case 'boolean':
      return z.boolean({ error: expected.boolean });
    case 'integer':
      return z
        .int({ error: expected.integer })
        .min(-0x80000000, { error: expected.integer })
        .max(0xffffffff, { error: expected.integer });
    case 'u64':
      return z.union(
        [
          z.int().min(0),
          z
            .string()
            .regex(/^(0x[0-9a-fA-F]{1,16}|[0-9]{1,20})$/)
            .refine((text) => BigInt(text) < 1n << 64n, { error: expected.u64 }),
        ],
        { error: expected.u64 },
      );
    case 'netns':
    case 'socket':
      // No key of a manifest: see hooks.ts.
      return z.never();
    default:
      return z.string({ error: expected[type] }).min(1, { error: expected[type] });
  }
}

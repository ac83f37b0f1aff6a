import type { z as Zod } from 'zod';
import { hooks, optionSchema, zod, type ProjectConfig } from '../manifest';

/**
 * Holds the configuration of a bundle against what a manifest becomes: its names are directories under a pin root, and
 * whoever wrote the bundle may have written them by hand.
 *
 * @returns what is wrong with it, each `where: what`
 */
export function configProblems(config: unknown): string[] {
  const issues = configSchema().safeParse(config).error?.issues ?? [];
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

let schema: Zod.ZodType | undefined;

function configSchema(): Zod.ZodType {
  schema ??= build();
  return schema;
}

/** Paths of files are within the bundle by then: `decodeConfig` sees to that. */
function build(): Zod.ZodType {
  const { z } = zod();
  const name = z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,128}$/)
    .refine((text) => text !== '__proto__');
  const mapName = z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,128}$/)
    .refine((text) => !/^\.+$/.test(text) && text !== '__proto__');
  const pinPath = z.string().regex(/^(\/[A-Za-z0-9_-]+)+$/);
  const file = z.string().regex(/^[^\0]*$/);
  const identifier = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.]{0,511}$/);
  const count = (least: number, most = 0xffffffff) => z.int().min(least).max(most);
  const texts = z.array(z.string());

  const hook = (each: (typeof hooks)[keyof typeof hooks]) =>
    z.strictObject(
      Object.fromEntries(Object.entries(each!.keys).map(([key, option]) => [key, optionSchema(z, option)])),
    );
  const attachment = z.strictObject({
    id: name,
    optional: z.boolean(),
    replace: z.enum(['make-before-break', 'gap']),
    netns: file.nullable(),
    hook: z.enum(Object.keys(hooks)),
    options: z.record(z.string(), z.unknown()),
  });
  const attach = z.array(attachment).superRefine((entries, context) => {
    for (const [i, { hook: key, options }] of entries.entries()) {
      const issues = hook(hooks[key as keyof typeof hooks]).safeParse(options).error?.issues ?? [];
      for (const { path, message } of issues)
        context.addIssue({ code: 'custom', path: [i, key, ...path], message });
    }
  });
  const entry = { object: name, function: identifier, attach };
  const variant = z.strictObject({ name, when: z.record(z.string(), z.string()), ...entry });
  const program = z.strictObject({
    ...entry,
    // A program with variants may leave it to them.
    object: z.union([name, z.literal('')]),
    variants: z.array(variant),
    optional: z.boolean(),
    budgets: z.strictObject({ insns: count(1).optional(), deltaPct: z.number().min(0).optional() }),
  });
  const map = z.strictObject({
    maxEntries: count(1).optional(),
    pin: z.union([z.enum(['none', 'project', 'shared']), z.strictObject({ path: pinPath })]),
    migrate: z.enum(['refuse', 'recreate', 'copy']),
    copy: z.strictObject({ allowDropped: z.union([z.literal(true), texts]), sum: texts }),
    protect: z.boolean(),
    contents: z
      .strictObject({
        mode: z.enum(['merge', 'exact', 'seed']),
        from: z.union([z.strictObject({ file }), z.strictObject({ values: z.unknown() })]),
      })
      .optional(),
    optional: z.boolean(),
  });
  const object = z.strictObject({
    source: file,
    constants: z.record(identifier, z.unknown()),
    carry: z.array(z.strictObject({ name: identifier, sum: z.boolean() })),
    cflags: z.tuple([]),
    includes: z.tuple([]),
  });
  return z.strictObject({
    workspaceRoot: file,
    project: name,
    projectRoot: file,
    environment: name,
    environments: z.array(name),
    revision: z.string().regex(/^[0-9a-f]{64}$/),
    // Nothing is compiled from a bundle, and no kernel of the manifest is opened.
    toolchain: z.unknown(),
    kernels: z.unknown(),
    pin: z.strictObject({ root: pinPath, mode: count(0, 0o777) }),
    deploy: z.strictObject({
      keepGenerations: count(1, 100),
      lockTimeoutMs: count(0),
      requireLock: z.boolean(),
      signedBy: texts,
    }),
    privileges: z.strictObject({
      helper: z.enum(['none', 'sudo', 'socket']),
      node: file,
      installation: file,
      socket: file,
    }),
    objects: z.record(name, object),
    maps: z.record(mapName, map),
    programs: z.record(name, program),
    structOps: z.record(name, z.strictObject({ object: name, map: identifier, optional: z.boolean() })),
    // What programs are verified by, elsewhere.
    runs: z.unknown(),
    choices: z.never().optional(),
    origins: z.record(
      z.string(),
      z.strictObject({
        file: z.string(),
        line: count(0),
        column: count(0),
        layer: z.string(),
        variable: z.string().optional(),
      }),
    ),
    files: z.array(file),
  } satisfies Record<keyof ProjectConfig, Zod.ZodType>);
}

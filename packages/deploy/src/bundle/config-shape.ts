import { attachShape, jsonShape, type JsonShape } from '../manifest';

const { anything, count, dictionary, either, flag, list, nullable, oneOf, optional, record, text } =
  jsonShape;

const attach = list(attachShape);

const carried = record({ name: text, sum: flag });

const object = record({
  source: text,
  constants: dictionary(anything),
  carry: list(carried),
  cflags: list(text),
  includes: list(text),
});

const map = record({
  maxEntries: optional(count),
  pin: either(oneOf(['none', 'project', 'shared']), record({ path: text })),
  migrate: oneOf(['refuse', 'recreate', 'copy']),
  copy: record({ allowDropped: either(oneOf([true]), list(text)), sum: list(text) }),
  protect: flag,
  contents: optional(
    record({
      mode: oneOf(['merge', 'exact', 'seed']),
      from: either(record({ values: present }), record({ file: text })),
    }),
  ),
  optional: flag,
});

const variant = record({
  name: text,
  when: record({
    hook: optional(text),
    feature: optional(text),
    kernel: optional(text),
    function: optional(text),
    kconfig: optional(text),
  }),
  object: text,
  function: text,
  attach,
});

const program = record({
  object: text,
  function: text,
  attach,
  variants: list(variant),
  optional: flag,
  budgets: record({ insns: optional(count), deltaPct: optional(count) }),
});

const kernel = record({
  btf: either(record({ package: text }), record({ running: oneOf([true]) }), record({ file: text })),
  image: optional(either(record({ package: text }), record({ file: text }))),
  config: optional(text),
  required: flag,
});

const packet = optional(either(record({ hex: text }), record({ file: text }), record({ headers: present })));

const run = record({
  name: text,
  program: text,
  packet,
  repeat: count,
  maps: dictionary(anything),
  expect: record({
    return: optional(either(number, text)),
    output: packet,
    maps: dictionary(anything),
    variables: dictionary(anything),
  }),
});

const origin = record({ file: text, line: count, column: count, layer: text, variable: optional(text) });

/** The configuration of a bundle: whoever wrote the bundle need not have been us. */
export const configShape: JsonShape = record({
  workspaceRoot: text,
  project: text,
  projectRoot: text,
  environment: text,
  environments: list(text),
  revision: text,
  toolchain: record({
    clang: text,
    mcpu: text,
    cflags: list(text),
    vmlinux: either(
      record({ kind: oneOf(['kernel']) }),
      record({ kind: oneOf(['btf', 'header']), path: text }),
    ),
  }),
  pin: record({ root: text, mode: count }),
  deploy: record({ keepGenerations: count, lockTimeoutMs: count, requireLock: flag }),
  kernels: dictionary(kernel),
  objects: dictionary(object),
  maps: dictionary(map),
  programs: dictionary(program),
  structOps: dictionary(record({ object: text, map: text, optional: flag })),
  runs: list(run),
  choices: optional(
    dictionary(
      record({ variant: nullable(text), passedOver: list(record({ variant: text, unmet: list(text) })) }),
    ),
  ),
  origins: dictionary(origin),
  files: list(text),
});

const relocation = record({ object: text, programs: list(text), kernel: text, btf: text, file: text });

/** The index of a bundle, once its format is known. */
export const indexShape: JsonShape = record({
  project: text,
  environment: text,
  config: text,
  objects: list(record({ name: text, file: text, sha256: text, sources: text, toolchain: text })),
  // Bundles of earlier versions have none.
  relocations: optional(list(relocation)),
  files: dictionary(text),
});

function number(value: unknown, at: string): string | undefined {
  return typeof value === 'number' ? undefined : `${at}: expected a number`;
}

function present(value: unknown, at: string): string | undefined {
  return value === undefined ? `${at}: found nothing` : undefined;
}

import type { z as Zod } from 'zod';
import { allHooks, featureNames, hooks, type Hook, type HookName } from './hooks';
import { optionSchema } from './option-value';
import { runSchema } from './run-schema';
import { durationPattern, sizePattern } from './units';
import { kconfigPattern, kernelPattern } from './conditions';
import { zod } from './zod';

/**
 * The schema of `bpf.config.yaml`, the one source of its TypeScript types, of `schema.json` for editors and of the
 * checks. Both files and every environment share it, so no key is required here (a layer may give any part, and null
 * removes what a weaker layer gave); what a complete project needs is checked after merging, in resolve.ts.
 *
 * In each scalar `error` is the text of what is expected, as messages show it after "found ..., expected".
 */
function build() {
  const { z } = zod();

  const namePattern = /^[A-Za-z0-9_-]{1,128}$/;
  const name = z.string({ error: 'a name of letters, digits, _ and -' }).regex(namePattern, {
    error: 'a name of letters, digits, _ and -',
  });
  /** Data sections' maps have a dot in their names: `edge.rodata`. */
  const mapName = z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,128}$/, { error: 'a name of letters, digits, _, - and dots' });
  const identifier = z
    .string({ error: 'a C identifier' })
    .regex(/^[A-Za-z_][A-Za-z0-9_.]*$/, { error: 'a C identifier' });
  const fieldName = z
    .string({ error: 'the name of a field' })
    .regex(/^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/, { error: 'the name of a field' });
  const text = (expected: string) => z.string({ error: expected }).min(1, { error: expected });
  const file = (what: string) => text(`the path of ${what}, relative and within the workspace`);
  const yesNo = z.boolean({ error: 'true or false' });
  const oneOf = <const W extends readonly string[]>(words: W) =>
    z.enum(words, { error: words.length > 8 ? 'one of the known words' : words.join(', ') });
  const atLeast = (least: number, most = 0xffffffff) => {
    const error = `a whole number from ${least} to ${most}`;
    return z.int({ error }).min(least, { error }).max(most, { error });
  };
  const flags = z.array(text('a compiler flag'), { error: 'a list of compiler flags' });
  const map = <S extends Zod.core.$ZodLooseShape>(shape: S) =>
    z.strictObject(shape, {
      error: (issue) => (issue.code === 'invalid_type' ? 'a map of keys' : undefined),
    });
  const named = <K extends Zod.core.$ZodRecordKey, V extends Zod.core.$ZodType>(key: K, value: V) =>
    z.record(key, value, {
      error: (issue) => (issue.code === 'invalid_type' ? 'a map of names' : undefined),
    });

  const packageError = 'the name of a Debian package, linux-image-...';
  const toolchain = map({
    clang: text('the name or path of clang').nullish().describe('clang, clang-19, or the path of one.'),
    mcpu: oneOf(['v1', 'v2', 'v3', 'v4']).nullish().describe('BPF instruction set; default v3.'),
    cflags: flags
      .nullish()
      .describe('Flags for every object: -W..., -D..., -U..., -O..., -I... and some -f...'),
    vmlinux: text('kernel, or the path of a BTF or header file')
      .nullish()
      .describe('What vmlinux.h is made from: kernel (the running one), or a BTF or header file.'),
  }).describe('clang and how it is called.');

  const pin = map({
    root: z
      .string({ error: 'an absolute path on a bpf file system' })
      .regex(/^(\/[A-Za-z0-9_-]+)+$/, { error: 'an absolute path, its names of letters, digits, _ and -' })
      .nullish()
      .describe('Where everything is pinned; default /sys/fs/bpf/nx-bpf.'),
    mode: z
      .string({ error: 'an octal mode in quotes, such as "0700"' })
      .regex(/^0?[0-7]{3}$/, { error: 'an octal mode in quotes, such as "0700"' })
      .nullish()
      .describe('Mode of the pin directories; default "0700". Pins get it without its x bits.'),
  }).describe('Where and how objects are pinned.');

  const signingKeyError = 'a public key of minisign: 56 characters that start with RW';
  const signingKey = z
    .string({ error: signingKeyError })
    .regex(/^RW[A-Za-z0-9+/]{54}$/, { error: signingKeyError });
  const deploy = map({
    keepGenerations: atLeast(1, 100).nullish().describe('Generations kept for rollback; default 2.'),
    lockTimeout: z
      .string({ error: 'a duration such as 30s' })
      .regex(durationPattern, { error: 'a duration such as 30s' })
      .nullish()
      .describe('How long to wait for another deploy of the same project; default 30s.'),
    requireLock: yesNo
      .nullish()
      .describe('Only what bpf.lock.json says is built and deployed, as with --frozen; default false.'),
    signedBy: z
      .array(signingKey, { error: 'a list of public keys of minisign' })
      .nullish()
      .describe(
        'A bundle has to be signed with one of these keys of minisign; default none: it need not be.',
      ),
  }).describe('How a deployment is carried out.');

  const rootPath = z
    .string({ error: 'an absolute path' })
    .regex(/^(\/(?!\.\.?(\/|$))[A-Za-z0-9@_.+-]+)+$/, { error: 'an absolute path' });
  const privileges = map({
    helper: oneOf(['none', 'sudo', 'socket'])
      .nullish()
      .describe(
        'Who loads for users that may not: nobody (default), or the helper of root, see docs/privileges.md.',
      ),
    node: rootPath.nullish().describe('What runs the helper under sudo; default /usr/bin/node.'),
    installation: rootPath.nullish().describe('Where the helper is installed; default /opt/nx-bpf.'),
    socket: rootPath.nullish().describe('Where the helper listens; default /run/nx-bpf/helper.sock.'),
  }).describe('How deploying gets the rights that it needs, when a user without them calls.');

  const sizeError = 'a number from 1, or a size such as 4MiB';
  const size = fromEnvironment(
    z.union(
      [
        z.int({ error: sizeError }).min(1, { error: sizeError }).max(0xffffffff, { error: sizeError }),
        z.string({ error: sizeError }).regex(sizePattern, { error: sizeError }),
      ],
      { error: sizeError },
    ),
  );
  const mergeBy = map({
    merge: oneOf(['sum'])
      .nullish()
      .describe('sum: what the old one gained after it was copied is added to the new one.'),
  });
  const copy = map({
    allowDropped: z
      .union([yesNo, z.array(text('the name of a field'), { error: 'a list of field names' })], {
        error: 'true, or a list of field names',
      })
      .nullish()
      .describe('Fields whose values may be lost, as names or `struct.field`; true: any. By default none.'),
    fields: named(fieldName, mergeBy.nullish())
      .nullish()
      .describe('What is done with fields that programs count in; `value` is a value that is one integer.'),
  }).describe('How entries are copied.');
  const contents = map({
    file: file('a YAML or JSON file').nullish().describe('Entries in a file: `key: value`, or a list.'),
    values: z
      .union([z.record(z.string(), z.unknown()), z.array(z.unknown())], {
        error: 'a map of keys and values, or a list of entries',
      })
      .nullish()
      .describe('Entries right here: `key: value`, or a list of { key, value }.'),
    mode: oneOf(['merge', 'exact', 'seed'])
      .nullish()
      .describe('merge (default): write these; exact: remove all others too; seed: only into a new map.'),
  }).describe('Entries that the map is to have, typed by its BTF.');
  const mapSettings = map({
    maxEntries: size.nullish().describe('Overrides max_entries; a ring buffer takes a size such as 4MiB.'),
    pin: z
      .union(
        [
          oneOf(['none', 'project', 'shared']),
          map({ path: text('an absolute path on a bpf file system').describe('Absolute path of the pin.') }),
        ],
        {
          error: 'none, project, shared or { path: ... }',
        },
      )
      .nullish()
      .describe(
        'Where the map is pinned; default project. shared: by several projects, only in the root file.',
      ),
    migrate: z
      .union([oneOf(['refuse', 'recreate', 'copy']), map({ copy: copy.nullish() })], {
        error: 'refuse, recreate, copy or { copy: ... }',
      })
      .nullish()
      .describe(
        'When the definition changes: refuse (default); recreate and lose the entries; or copy them, field by field.',
      ),
    protect: yesNo
      .nullish()
      .describe('Neither destroy nor a changed manifest removes it unless forced; default false.'),
    contents: contents.nullish(),
  });

  const object = map({
    source: file('a C file').nullish().describe('Relative to the project; default src/<name>.bpf.c.'),
    constants: named(identifier, z.unknown())
      .nullish()
      .describe('Values of const volatile globals, typed by the BTF of the object.'),
    carry: z
      .union([z.array(identifier, { error: 'a list of variables' }), named(identifier, mergeBy.nullish())], {
        error: 'a list of variables, or a map of them',
      })
      .nullish()
      .describe('Variables of .data and .bss that keep their values when the object changes.'),
    cflags: flags.nullish().describe('Flags for this object, after those of the toolchain.'),
    includes: z
      .array(file('a directory'), { error: 'a list of directories' })
      .nullish()
      .describe('Directories to search for headers, relative to the project.'),
  });

  const hookOptions = ({ about, since, keys }: Hook) =>
    map(
      Object.fromEntries(
        Object.entries(keys).map(([key, option]) => [key, fromEnvironment(optionSchema(z, option))]),
      ),
    )
      .nullish()
      .describe(`${about.charAt(0).toUpperCase()}${about.slice(1)} (Linux ${since}).`);
  type HookShape = Record<HookName, ReturnType<typeof hookOptions>>;
  const hookShape = Object.fromEntries(
    Object.entries(hooks).map(([key, hook]) => [key, hookOptions(hook)]),
  ) as HookShape;
  const attach = map({
    id: name.nullish().describe('Name of the link; default <program>-<hook> where there is one entry.'),
    optional: yesNo.nullish().describe('No failure if the target is missing; default false.'),
    replace: oneOf(['make-before-break', 'gap'])
      .nullish()
      .describe(
        'On a hook that cannot switch a program in place: the new one runs beside the old one for a moment ' +
          '(make-before-break, default), or after it (gap).',
      ),
    netns: text('the name or path of a network namespace')
      .nullish()
      .describe('Network namespace of the interface, by name (ip netns) or path.'),
    ...hookShape,
  });

  const when = map({
    hook: oneOf(allHooks)
      .nullish()
      .describe('The kernel loads and attaches programs of this hook, as `nx-bpf features` shows.'),
    feature: oneOf(featureNames)
      .nullish()
      .describe('The kernel has this feature (`nx-bpf features --json`).'),
    kernel: z
      .string({ error: 'a comparison such as ">=6.6" or "<6.6"' })
      .regex(kernelPattern, { error: 'a comparison such as ">=6.6" or "<6.6"' })
      .nullish()
      .describe('Version of Linux, in quotes: ">=6.6" or "<6.6".'),
    function: text('the name of a function of the kernel')
      .nullish()
      .describe('The kernel, or a module that is loaded, has this function.'),
    kconfig: z
      .string({ error: 'an option and its value such as CONFIG_NETKIT=y' })
      .regex(kconfigPattern, { error: 'an option and its value such as CONFIG_NETKIT=y' })
      .nullish()
      .describe('The kernel was built so: CONFIG_X=y; =n for what is not set.'),
  }).describe('What must hold on the host, all of it; a variant without conditions always holds.');

  const entry = {
    object: name.nullish().describe('The object that defines it; may be left out where there is only one.'),
    function: identifier.nullish().describe('C function; default the key.'),
    attach: z
      .array(attach, { error: 'a list of attachments' })
      .nullish()
      .describe('Where it is attached; empty: only loaded.'),
  };
  const variantError = 'a name of letters, digits, _ and - that does not start with a digit';
  const variant = map({
    name: z
      .string({ error: variantError })
      .regex(/^[A-Za-z_][A-Za-z0-9_-]{0,127}$/, { error: variantError })
      .nullish()
      .describe('By which environments change it; default variant-<number>.'),
    when: when.nullish(),
    ...entry,
  });
  const program = map({
    ...entry,
    variants: z
      .array(variant, { error: 'a list of variants' })
      .nullish()
      .describe(
        "Alternatives: the first whose conditions hold on the host is used. What one leaves out is the program's.",
      ),
    optional: yesNo.nullish().describe('No failure if no variant holds: it is left out; default false.'),
    budgets: map({
      insns: atLeast(1).nullish().describe('Most instructions that the verifier may walk.'),
      deltaPct: z
        .number({ error: 'a percentage from 0' })
        .min(0, { error: 'a percentage from 0' })
        .nullish()
        .describe('How many per cent more than what bpf.verified.json records for the same kernel.'),
    })
      .nullish()
      .describe('What verifying may take, for verify --level kernel.'),
  });

  const structOps = map({
    object: name.nullish().describe('The object that has it; may be left out where there is only one.'),
    map: identifier
      .nullish()
      .describe('The variable in SEC(".struct_ops.link") or SEC(".struct_ops"); default the key.'),
    optional: yesNo
      .nullish()
      .describe('No failure if the kernel does not have the struct, or no links of them; default false.'),
  });

  const kernel = map({
    btf: z
      .union(
        [
          text('kernel, or the path of a file with the types of a kernel, relative and within the workspace'),
          map({
            package: z
              .string({ error: packageError })
              .regex(/^linux-image-[a-z0-9.+*-]+$/, { error: packageError })
              .describe('Name of a Debian package; with * the newest that fits, as apt knows it.'),
          }),
        ],
        { error: 'kernel, the path of a file with the types of a kernel, or { package: ... }' },
      )
      .nullish()
      .describe(
        'Its types: kernel (the running one), a BTF file, vmlinux, vmlinuz, a .btf.tar.xz of BTFHub, or { package: ... }.',
      ),
    image: z
      .union(
        [
          file('a kernel that QEMU boots, relative and within the workspace'),
          map({
            package: z
              .string({ error: packageError })
              .regex(/^linux-image-[a-z0-9.+*-]+$/, { error: packageError })
              .describe('Name of a Debian package; with * the newest that fits, as apt knows it.'),
          }),
        ],
        { error: 'the path of a kernel that QEMU boots, or { package: ... }' },
      )
      .nullish()
      .describe('What verify --level vm boots: a bzImage, or { package: ... }; default the package of btf.'),
    modules: file('a directory of modules, as lib/modules/RELEASE')
      .nullish()
      .describe(
        'The directory with the modules of an image that is a file: lib/modules/RELEASE of that kernel.',
      ),
    config: file('the configuration of the kernel')
      .nullish()
      .describe('Its configuration, plain or gzipped; a Debian package brings its own.'),
    required: yesNo
      .nullish()
      .describe('Whether it is an error if a program is not for this kernel; default true.'),
  });

  const run = runSchema(z, { map, named, text, file, name, identifier, mapName, atLeast });

  const settings = {
    toolchain: toolchain.nullish(),
    pin: pin.nullish(),
    deploy: deploy.nullish(),
    privileges: privileges.nullish(),
    kernels: named(name, kernel.nullish())
      .nullish()
      .describe('Kernels that programs are verified for, by a name of your choice.'),
    maps: named(mapName, mapSettings.nullish())
      .nullish()
      .describe('Maps by name; in the root file: for every project that has one of that name.'),
  };
  const parts = {
    ...settings,
    objects: named(name, object.nullish()).nullish().describe('C files, an entry for each object built.'),
    programs: named(name, program.nullish()).nullish().describe('Programs and their attachments.'),
    structOps: named(name, structOps.nullish())
      .nullish()
      .describe(
        'Structs of the kernel that programs implement, such as congestion controls, by the id of the link.',
      ),
    run: z
      .array(run, { error: 'a list of checks' })
      .nullish()
      .describe('What programs are run on by verify --level kernel, and what is expected of them.'),
  };
  const project = {
    name: name
      .nullish()
      .describe('Name of the project; default that of project.json, package.json or the directory.'),
    ...parts,
    defaultEnvironment: name.nullish().describe('The environment of a command that names none.'),
    environments: named(name, map(parts).nullish()).nullish().describe('What differs in each environment.'),
  };
  const rootProject = map({
    root: file('a directory').nullish().describe('Directory of the project; default packages/<name>.'),
    ...project,
  });
  return map({
    version: z
      .literal(1, { error: '1, the only version there is' })
      .nullish()
      .describe('Version of this format.'),
    ...project,
    projects: named(name, rootProject.nullish())
      .nullish()
      .describe('Only in the root file: projects without a bpf.config.yaml of their own.'),
  });
}

/** Values that may be given as `{ env: NAME, default: ... }`: the file is checked after those are looked up. */
const environmentValues = new WeakSet<object>();

function fromEnvironment<T extends object>(value: T): T {
  environmentValues.add(value);
  return value;
}

/** The form of such a value, for editors. */
const environmentForm = {
  type: 'object',
  properties: {
    env: { type: 'string', description: 'Name of an environment variable, whose text is read as YAML.' },
    default: { description: 'The value where the variable is not set; without it that is an error.' },
  },
  required: ['env'],
  additionalProperties: false,
};

export type ManifestSchema = ReturnType<typeof build>;
/** A manifest file as written: every key optional, null where something is removed. */
export type Manifest = Zod.infer<ManifestSchema>;

let schema: ManifestSchema | undefined;

/** The schema, built on first use. */
export function manifestSchema(): ManifestSchema {
  schema ??= build();
  return schema;
}

/**
 * The JSON Schema of a manifest file, as `schema.json` holds it for editors.
 *
 * @example
 * ```ts
 * manifestJsonSchema()['title']; // 'bpf.config.yaml'
 * ```
 */
export function manifestJsonSchema(): Record<string, unknown> {
  const { z } = zod();
  const { $schema, ...rest } = z.toJSONSchema(manifestSchema(), {
    unrepresentable: 'any',
    reused: 'ref',
    override: ({ zodSchema, jsonSchema }) => {
      if (!environmentValues.has(zodSchema)) return;
      const plain = { ...jsonSchema };
      for (const key of Object.keys(plain)) Reflect.deleteProperty(jsonSchema, key);
      Object.assign(jsonSchema, { anyOf: [plain, environmentForm] });
    },
  });
  return { $schema, title: 'bpf.config.yaml', description: 'Manifest of nx-bpf.', ...rest };
}

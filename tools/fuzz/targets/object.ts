import { stripDebug } from '../../../packages/deploy/src/toolchain/strip-debug';
import { BpfError } from '../../../packages/loader/src/errors';
import { parseObject, type ObjectSpec } from '../../../packages/loader/src/object';
import { relocateObject, requirementsOf, type TargetKernel } from '../../../packages/loader/src/relocate';
import { elfMutator } from '../mutate/elf';
import { useRelocated } from '../relocated';
import { seedObjects } from '../seeds/objects';
import { Broken, type Target } from '../target';

const kconfig = new Map([
  ['CONFIG_HZ', '250'],
  ['CONFIG_BPF', 'y'],
  ['CONFIG_BPF_JIT', 'm'],
  ['CONFIG_DEFAULT_HOSTNAME', '"(none)"'],
]);

/** The types of the object itself stand for the kernel's: there everything is found that it asks for. */
export function kernelOf({ btf }: ObjectSpec): TargetKernel {
  return {
    btf: () => {
      if (btf === undefined) throw new BpfError('KERNEL_BTF_MISSING', 'no types');
      return btf;
    },
    kconfig: () => kconfig,
    virtual: () => 1n,
  };
}

export const object: Target = {
  name: 'object',
  what: 'objects as a whole: read, relocated against their own types, stored, stripped',
  rooms: ['object', 'required', 'relocated', 'stored', 'stripped'],
  sources: [
    'packages/loader/src/elf/elf-file.ts',
    'packages/loader/src/object',
    'packages/loader/src/relocate',
    'packages/loader/src/asm',
    'packages/deploy/src/toolchain/strip-debug.ts',
  ],
  seeds: async () => (await seedObjects()).map(({ bytes }) => bytes),
  mutate: elfMutator,
  run(input, past) {
    const spec = parseObject(input, { name: 'fuzz' });
    past(0);
    const kernel = kernelOf(spec);
    for (const { name } of spec.programs) requirementsOf(spec, name, kernel);
    past(1);
    const relocated = relocateObject(spec, kernel);
    past(2);
    useRelocated(relocated);
    past(3);
    // What has the name of debug information goes, even if it is a program.
    if (spec.programs.some(({ section }) => /^\.(debug_|llvm_addrsig)/.test(section))) return;
    const stripped = parseObject(stripDebug(input, 'fuzz'), { name: 'fuzz' });
    if (names(stripped) !== names(spec)) throw new Broken('an object without debug information is another');
    past(4);
  },
};

function names({ maps, programs, externs, variables }: ObjectSpec): string {
  return [maps, programs, externs, variables].map((all) => all.map(({ name }) => name).join()).join(';');
}

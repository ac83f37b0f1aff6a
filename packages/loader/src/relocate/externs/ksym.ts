import { type Btf, BtfKind, essentialName } from '../../btf';
import { nearest } from '../../errors';
import { type ExternSpec } from '../../object';
import { typesCompatible } from '../core';
import { type KernelTypes, moduleTypes, type TargetKernel } from '../target';

/** A variable or function of the kernel with BTF; `missing` for a weak one that this kernel does not have. */
export type KsymResult =
  | { readonly kind: 'found'; readonly typeId: number; readonly module: string | undefined }
  | { readonly kind: 'missing' }
  | { readonly kind: 'problem'; readonly problem: string; readonly hint?: string };

/**
 * Finds a typed extern of section `.ksyms`: a variable by its name, a kfunc by its name without flavour, first in
 * vmlinux, then in the modules. Its type must be compatible as CO-RE means it.
 */
export function resolveKsym(local: Btf, extern: ExternSpec, target: TargetKernel): KsymResult {
  const kind = extern.function ? BtfKind.FUNC : BtfKind.VAR;
  const name = extern.function ? essentialName(extern.name) : extern.name;
  for (const { btf, module } of kernelTypes(target)) {
    const typeId = btf.find(name, kind);
    if (typeId < btf.firstId) continue;
    const kernelType = btf.type(typeId);
    if (typesCompatible(local, extern.typeId, btf, kernelType)) return { kind: 'found', typeId, module };
    // A weak kfunc may be declared for another version of the kernel than this one.
    if (extern.weak && extern.function) return { kind: 'missing' };
    return {
      kind: 'problem',
      problem: `it is declared as '${local.describe(extern.typeId)}', but in ${module ?? 'vmlinux'} it is '${btf.describe(kernelType)}'`,
      hint: "take its declaration from this kernel's vmlinux.h",
    };
  }
  return extern.weak ? { kind: 'missing' } : notFound(target.btf(), name, extern.function);
}

function* kernelTypes(target: TargetKernel): Generator<KernelTypes> {
  yield { btf: target.btf(), module: undefined };
  yield* moduleTypes(target);
}

function notFound(btf: Btf, name: string, isFunction: boolean): KsymResult {
  const near = nearest(name, namesOf(btf, isFunction ? BtfKind.FUNC : BtfKind.VAR));
  const what = isFunction ? 'a kfunc' : 'a variable with BTF';
  return {
    kind: 'problem',
    problem: `neither vmlinux nor a loaded module has ${what} of this name`,
    hint:
      near.length > 0
        ? `did you mean ${near.join(', ')}?`
        : 'declare it __weak and ask bpf_ksym_exists() if it may be missing',
  };
}

/** Names of all types of one kind; only for errors, since it reads the whole BTF. */
export function* namesOf(btf: Btf, kind: BtfKind): Generator<string> {
  for (let id = 1; id < btf.endId; id++) {
    if (btf.kind(id) === kind) yield btf.name(id);
  }
}

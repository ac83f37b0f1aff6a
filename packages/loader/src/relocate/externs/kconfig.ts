import { type Btf } from '../../btf';
import { type ExternSpec } from '../../object';
import { type TargetKernel, virtualExterns } from '../target';
import { kconfigType } from './kconfig-type';
import { encodeKconfig, encodeKconfigNumber } from './kconfig-value';

/** Bytes of an extern of section `.kconfig`, or what is wrong. A weak one that the kernel does not have is zero. */
export type KconfigResult =
  { readonly bytes: Uint8Array } | { readonly problem: string; readonly hint?: string };

/** Finds the value of one extern of section `.kconfig` in the target. */
export function resolveKconfig(
  btf: Btf,
  extern: ExternSpec,
  target: TargetKernel,
  littleEndian: boolean,
): KconfigResult {
  const type = kconfigType(btf, extern.typeId);
  if (type === undefined) {
    return {
      problem: `no configuration value can be '${btf.describe(extern.typeId)}'`,
      hint: 'use bool, char, an integer, enum libbpf_tristate or char[N]',
    };
  }
  const missing = { bytes: new Uint8Array(btf.byteSize(extern.typeId)) };
  let bytes: Uint8Array | string;
  if (extern.name.startsWith('CONFIG_')) {
    const config = target.kconfig?.();
    const text = config?.get(extern.name);
    if (text === undefined) return extern.weak ? missing : notSet(config);
    bytes = encodeKconfig(type, text, littleEndian);
  } else {
    const name = virtualExterns.find((known) => known === extern.name);
    if (name === undefined) return extern.weak ? missing : unknownName;
    const value = target.virtual?.(name);
    if (value === undefined) return { problem: 'it could not be found out for this kernel' };
    bytes = encodeKconfigNumber(type, value, littleEndian);
  }
  return typeof bytes === 'string' ? { problem: bytes } : { bytes };
}

const unknownName = {
  problem: 'it is no name of a configuration value',
  hint: `names start with CONFIG_, or are ${virtualExterns.join(', ')}`,
};

function notSet(config: ReadonlyMap<string, string> | undefined): KconfigResult {
  return config === undefined || config.size === 0
    ? {
        problem: "the kernel's configuration is not known",
        hint: 'it is in /boot/config-<release> or, with CONFIG_IKCONFIG_PROC, in /proc/config.gz',
      }
    : {
        problem: "it is not set in the kernel's configuration",
        hint: 'declare it __weak if it may be missing: it is zero then',
      };
}

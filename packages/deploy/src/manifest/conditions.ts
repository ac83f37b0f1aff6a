import { type VariantConditions } from './config';
import { type FeatureName, type HookName } from './hooks';

/** `>=6.6` or `<6.6.12`. */
export const kernelPattern = /^(>=|<)\s*(\d+)\.(\d+)(?:\.(\d+))?$/;
/** `CONFIG_NETKIT=y` */
export const kconfigPattern = /^(CONFIG_[A-Za-z0-9_]+)=(.+)$/;

/** What conditions ask of a host. */
export interface HostFacts {
  /** Major, minor and patch number of its kernel. */
  readonly kernel: readonly [number, number, number];
  /** Whether programs of a hook can be attached; undefined: that cannot be told; and why not. */
  hook(name: HookName): { readonly attaches: boolean | undefined; readonly reason: string | undefined };
  /** undefined: that cannot be told. */
  feature(name: FeatureName): boolean | undefined;
  function(name: string): boolean;
  /** An option's value as written, `n` for one that is not set; undefined: it cannot be told. */
  kconfig(option: string): string | undefined;
}

/**
 * The conditions that do not hold on a host, each with what was found; none: all hold. What cannot be told does not hold.
 *
 * @example
 * ```ts
 * unmetConditions({ kernel: '>=6.6' }, facts); // ['kernel >=6.6: found 6.1.0']
 * ```
 */
export function unmetConditions(when: VariantConditions, facts: HostFacts): string[] {
  const unmet: string[] = [];
  const { hook, feature, kernel, function: name, kconfig } = when;
  if (kernel !== undefined && !fits(kernel, facts.kernel))
    unmet.push(`kernel ${kernel}: found ${facts.kernel.join('.')}`);
  if (hook !== undefined) {
    const { attaches, reason } = facts.hook(hook);
    if (attaches !== true) unmet.push(`hook ${hook}: ${reason ?? 'the kernel does not attach to it'}`);
  }
  if (feature !== undefined) {
    const has = facts.feature(feature);
    if (has !== true)
      unmet.push(
        `feature ${feature}: ${has === false ? 'the kernel does not have it' : 'it cannot be told'}`,
      );
  }
  if (name !== undefined && !facts.function(name))
    unmet.push(`function ${name}: the kernel does not have it`);
  if (kconfig !== undefined) {
    const [, option, wanted] = kconfigPattern.exec(kconfig)!;
    const found = facts.kconfig(option!);
    if (found !== wanted)
      unmet.push(`kconfig ${kconfig}: ${found === undefined ? 'it cannot be told' : `found ${found}`}`);
  }
  return unmet;
}

function fits(comparison: string, version: HostFacts['kernel']): boolean {
  const [, operator, ...numbers] = kernelPattern.exec(comparison)!;
  const wanted = [0, 1, 2].map((i) => Number(numbers[i] ?? 0));
  const at = wanted.findIndex((number, i) => number !== version[i]);
  const newer = at === -1 || version[at]! > wanted[at]!;
  return operator === '>=' ? newer : !newer;
}

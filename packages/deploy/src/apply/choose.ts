import {
  features,
  hasFeature,
  hasKernelFunction,
  hasStructOps,
  kernelConfig,
  kernelVersionCode,
  parseObject,
  probeHook,
  structOpsStruct,
} from '@nx-bpf/loader';
import { choiceText, chooseVariants, type HostFacts, type ProjectConfig } from '../manifest';
import { type ApplyInput } from './apply';
import { readObject } from './relocate-cached';

/**
 * The input with the variants chosen that hold on this host, and without optional structs that its kernel does not
 * have: once, before anything is planned. What is not the first choice is noted.
 *
 * @throws BpfError VARIANT_UNAVAILABLE, MANIFEST_INVALID
 */
export function withChosenVariants<I extends Pick<ApplyInput, 'config' | 'objects' | 'note'>>(input: I): I {
  const config = withPresentStructs(chooseVariants(input.config, hostFacts()), input);
  for (const [name, choice] of Object.entries(config.choices)) {
    if (choice.passedOver.length > 0) input.note(choiceText(name, choice));
  }
  return { ...input, config };
}

/** An object is not relocated for a struct that is not there, so it is left out before. */
function withPresentStructs<C extends ProjectConfig>(
  config: C,
  { objects, note }: Pick<ApplyInput, 'objects' | 'note'>,
): C {
  const missing = Object.entries(config.structOps).filter(([id, { object, map, optional }]) => {
    const file = objects.find(({ name }) => name === object)?.file;
    if (!optional || file === undefined) return false;
    const { maps, btf } = parseObject(readObject(file).bytes, { name: object });
    const spec = maps.find(({ name, structOps }) => name === map && structOps !== undefined);
    if (spec === undefined) return false;
    const struct = structOpsStruct(spec, btf!);
    const link = spec.section.endsWith('.link');
    if (hasStructOps(struct, link)) return false;
    const what = hasStructOps(struct, false) ? `links of struct_ops are` : `struct_ops ${struct} is`;
    note(`link ${id} left out: ${what} not there, and the entry is optional`);
    return true;
  });
  if (missing.length === 0) return config;
  const names = new Set(missing.map(([id]) => id));
  const present = Object.entries(config.structOps).filter(([id]) => !names.has(id));
  return { ...config, structOps: Object.fromEntries(present) };
}

/** Facts of the running kernel, each found when it is first asked for. */
function hostFacts(): HostFacts {
  let options: ReadonlyMap<string, string> | undefined;
  const code = kernelVersionCode();
  return {
    kernel: [code >> 16, (code >> 8) & 0xff, code & 0xff],
    hook: probeHook,
    feature: (name) => hasFeature(features[name]),
    function: hasKernelFunction,
    kconfig: (option) => {
      options ??= kernelConfig();
      return options.size === 0 ? undefined : (options.get(option) ?? 'n');
    },
  };
}

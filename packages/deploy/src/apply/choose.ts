import {
  features,
  hasFeature,
  hasKernelFunction,
  kernelConfig,
  kernelVersionCode,
  probeHook,
} from '@nx-bpf/loader';
import { choiceText, chooseVariants, type HostFacts } from '../manifest';
import { type ApplyInput } from './apply';

/**
 * The input with the variants chosen that hold on this host: once, before anything is planned. What is not the first
 * choice is noted.
 *
 * @throws BpfError VARIANT_UNAVAILABLE, MANIFEST_INVALID
 */
export function withChosenVariants<I extends Pick<ApplyInput, 'config' | 'note'>>(input: I): I {
  const config = chooseVariants(input.config, hostFacts());
  for (const [name, choice] of Object.entries(config.choices)) {
    if (choice.passedOver.length > 0) input.note(choiceText(name, choice));
  }
  return { ...input, config };
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

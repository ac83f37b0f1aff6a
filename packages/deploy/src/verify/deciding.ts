import { unmetConditions, type HostFacts, type ProjectConfig, type VariantConfig } from '../manifest';
import { type NamedKernel } from './target-kernel';
import { passes, type ProgramVerdict } from './verdict';

/** A verdict, and the variant that it is of. */
export interface VariantVerdict {
  readonly verdict: Omit<ProgramVerdict, 'variant' | 'unmet' | 'decides'>;
  readonly variant: VariantConfig | undefined;
  /** Id of the struct that it is in, where only that names it: left out where that is optional and not there. */
  readonly struct?: string | undefined;
}

/**
 * Says of each verdict whether the program is for the kernel by it. Of variants it is the first that passes, unless one
 * before it is sure to be chosen there: then that one. What a kernel's files tell are its version and its
 * configuration; that a hook, a feature or a function is there is told only where the kernel runs.
 */
export function withDeciding(
  found: readonly VariantVerdict[],
  kernel: NamedKernel,
  { programs, structOps }: Pick<ProjectConfig, 'programs' | 'structOps'>,
): ProgramVerdict[] {
  const facts = factsOf(kernel);
  const judged = found.map((each) => ({ ...judge(each.variant, facts), ...each }));
  const deciding = new Set(
    Object.entries(programs).map(([name, { optional }]) => {
      const own = judged.filter(({ verdict }) => verdict.program === name);
      const used = own.filter(({ unmet }) => unmet.length === 0);
      const first = used.find(({ verdict, open }) => passes(verdict) || !open);
      // Left out where it may be; else the last one tells what is wrong.
      return first ?? used.at(-1) ?? (optional ? undefined : own.at(-1));
    }),
  );
  for (const each of judged) {
    const { struct } = each;
    if (struct !== undefined && (!structOps[struct]!.optional || passes(each.verdict))) deciding.add(each);
  }
  return judged.map((each) => ({
    ...each.verdict,
    variant: each.variant?.name ?? null,
    unmet: each.unmet,
    decides: deciding.has(each),
  }));
}

interface Judgement {
  /** What is known not to hold. */
  readonly unmet: readonly string[];
  /** There are conditions of which nothing is known. */
  readonly open: boolean;
}

type KernelFacts = Partial<Pick<HostFacts, 'kernel' | 'kconfig'>>;

function judge(variant: VariantConfig | undefined, { kernel, kconfig }: KernelFacts): Judgement {
  if (variant === undefined) return { unmet: [], open: false };
  const { when } = variant;
  const known = {
    ...(kernel !== undefined && { kernel: when.kernel }),
    ...(kconfig !== undefined && { kconfig: when.kconfig }),
  };
  const told: Partial<typeof when> = known;
  const open = Object.entries(when).some(
    ([key, value]) => value !== undefined && told[key as keyof typeof when] === undefined,
  );
  const unmet = unmetConditions(known, {
    kernel: kernel ?? [0, 0, 0],
    kconfig: kconfig ?? (() => undefined),
    hook: () => ({ attaches: undefined, reason: undefined }),
    feature: () => undefined,
    function: () => false,
  });
  return { unmet, open };
}

function factsOf({ target }: NamedKernel): KernelFacts {
  const version = target.virtual?.('LINUX_KERNEL_VERSION');
  const options = target.kconfig?.();
  const code = Number(version ?? 0n);
  return {
    ...(version !== undefined && { kernel: [code >> 16, (code >> 8) & 0xff, code & 0xff] }),
    ...(options !== undefined && options.size > 0 && { kconfig: (name: string) => options.get(name) ?? 'n' }),
  };
}

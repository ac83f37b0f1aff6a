import { BpfError } from '@nx-bpf/loader/errors';
import { checkAnchors } from './anchors';
import { unmetConditions, type HostFacts } from './conditions';
import { at, type ProgramConfig, type ProjectConfig, type VariantChoice } from './config';
import { nowhere } from './located';
import { Problems } from './problems';

/**
 * A project as it is to be on one host: each program with variants is the first of them whose conditions hold, as
 * `choices` says. One of which none holds is left out where it is optional.
 *
 * @throws BpfError VARIANT_UNAVAILABLE with every condition of every program of which no variant holds, and what was
 *   found; MANIFEST_INVALID where what is chosen names a neighbour that is not
 */
export function chooseVariants(
  config: ProjectConfig,
  facts: HostFacts,
): ProjectConfig & { readonly choices: Readonly<Record<string, VariantChoice>> } {
  const programs: Record<string, ProgramConfig> = {};
  const choices: Record<string, VariantChoice> = {};
  const without: string[] = [];
  for (const [name, program] of Object.entries(config.programs)) {
    const { variants, optional } = program;
    if (variants.length === 0) {
      programs[name] = program;
      continue;
    }
    const judged = variants.map((variant) => ({ variant, unmet: unmetConditions(variant.when, facts) }));
    const first = judged.findIndex(({ unmet }) => unmet.length === 0);
    const passedOver = (first === -1 ? judged : judged.slice(0, first)).map(({ variant, unmet }) => ({
      variant: variant.name,
      unmet,
    }));
    const chosen = judged[first]?.variant;
    const choice = { variant: chosen?.name ?? null, passedOver };
    if (chosen !== undefined) {
      const { object, function: entry, attach } = chosen;
      programs[name] = { ...program, object, function: entry, attach, variants: [] };
    } else if (!optional) {
      without.push(...passedOver.map(({ variant, unmet }) => `${name}: ${variant}: ${unmet.join(', ')}`));
    }
    choices[name] = choice;
  }
  if (without.length > 0) throw unavailable(without);
  const problems = new Problems();
  checkAnchors(programs, (program, id, text) =>
    problems.add(
      at(config, `programs.${program}`) ?? nowhere,
      `programs.${program}: attachment '${id}', of the variants that hold on this host: ${text}`,
    ),
  );
  problems.throwIfAny();
  return { ...config, programs, choices };
}

function unavailable(problems: readonly string[]): BpfError {
  return new BpfError(
    'VARIANT_UNAVAILABLE',
    `no variant holds on this host\n${problems.map((line) => `  ${line}`).join('\n')}`,
    {
      problems,
      hint: 'add a variant without conditions, or set `optional: true` on the program to leave it out here',
    },
  );
}

/** `program execs: variant old (fast does not hold: hook fentry: ...)`; undefined where it is the first one. */
export function choiceText(program: string, { variant, passedOver }: VariantChoice): string {
  const why = passedOver.map((each) => `${each.variant} does not hold: ${each.unmet.join(', ')}`);
  const chosen = variant === null ? 'left out, as it is optional' : `variant ${variant}`;
  return `program ${program}: ${chosen}${why.length === 0 ? '' : ` (${why.join('; ')})`}`;
}

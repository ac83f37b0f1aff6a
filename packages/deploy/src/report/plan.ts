import pc from 'picocolors';
import { type Change, type Plan } from '../plan';

const signs: Readonly<Record<string, string>> = {
  create: pc.green('+'),
  adopt: pc.green('+'),
  replace: pc.yellow('~'),
  update: pc.yellow('~'),
  remove: pc.red('-'),
};

/** The changes of a plan, a line each; nothing for what stays. */
export function renderPlan(plan: Plan): string[] {
  const kinds: readonly (readonly [string, readonly Change[]])[] = [
    ['program', plan.programs],
    ['map', plan.maps],
    ['link', plan.links],
  ];
  return kinds.flatMap(([kind, changes]) =>
    changes
      .filter((change) => change.action !== 'keep')
      .map(
        ({ name, action, reasons }) =>
          `${signs[action] ?? ' '} ${kind} ${name}: ${action} (${reasons.join(', ')})`,
      ),
  );
}

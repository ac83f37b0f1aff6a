import { driftText, mapDifferenceText, type Plan } from '../plan';
import { html, type Html } from './html';

interface Row {
  readonly kind: string;
  readonly name: string;
  readonly action: string;
  readonly reasons: readonly string[];
  readonly details: readonly string[];
}

/** What `plan` found the last time: what an apply would do. */
export function planView(plan: Plan): Html {
  const rows = rowsOf(plan).filter(({ action }) => action !== 'keep');
  return html`<section id="plan">
    <h2>Last plan</h2>
    <div class="card">
      ${plan.drift.map((each) => html`<div class="message">${driftText(each)}</div>`)}
      ${
        rows.length === 0
          ? html`<p>Nothing to do: generation ${plan.from} is as it should be.</p>`
          : html`<table>
              <tr>
                <th>Action</th>
                <th></th>
                <th>Name</th>
                <th>Why</th>
                <th></th>
              </tr>
              ${rows.map(
                ({ kind, name, action, reasons, details }) =>
                  html`<tr>
                    <td><span class="badge ${colours[action] ?? 'warn'}">${action}</span></td>
                    <td class="dim">${kind}</td>
                    <td>${name}</td>
                    <td>${reasons.join(', ')}</td>
                    <td class="break">${details.map((each) => html`<div>${each}</div>`)}</td>
                  </tr>`,
              )}
            </table>`
      }
    </div>
    <p class="dim">
      From generation ${plan.from} to
      ${plan.to}.${plan.capabilities.length > 0 && ` Apply needs ${plan.capabilities.join(', ')}.`}
    </p>
  </section>`;
}

const colours: Readonly<Record<string, string>> = {
  create: 'good',
  adopt: 'good',
  remove: 'bad',
  refuse: 'bad',
};

function rowsOf({ programs, maps, links }: Plan): Row[] {
  return [
    ...programs.map(({ insns, ...change }) => ({
      kind: 'program',
      ...change,
      details:
        insns.after === null
          ? []
          : [`${insns.before === null ? '' : `${insns.before} to `}${insns.after} instructions`],
    })),
    ...maps.map(({ differences, problems, window, ...change }) => ({
      kind: 'map',
      ...change,
      details: [...differences.map(mapDifferenceText), ...problems, ...(window === null ? [] : [window])],
    })),
    ...links.map(({ program, target, ...change }) => ({
      kind: 'link',
      ...change,
      details: [`${program} at ${target}`, ...(change.switch === null ? [] : [switches[change.switch]])],
    })),
  ];
}

const switches = {
  atomic: 'switched in place',
  overlap: 'the new link first: both run for a moment',
  gap: 'the old link first: what happens in between is not seen',
} as const;

import { fails, verdictName, type KernelVerdict, type ProgramVerdict } from '../verify';
import { html, type Html } from './html';
import { type Report } from './report';

/** Programs against kernels, and what is to be said of each. */
export function kernelsView({ kernels }: Report): Html {
  const programs = kernels[0]?.programs ?? [];
  const findings = kernels.flatMap((kernel) =>
    kernel.programs.flatMap((program) =>
      program.findings
        .filter(({ state }) => state !== 'open' && program.unmet.length === 0)
        .map((finding) => ({ kernel, program, finding })),
    ),
  );
  return html`<section id="kernels">
    <h2>Kernels</h2>
    <div class="card">
      <table>
        <tr>
          <th>Program</th>
          ${kernels.map(
            ({ kernel, release, required }) =>
              html`<th title="${release ?? ''}">
                ${kernel}${required ? '' : ' (not required)'}<br />${release ?? ''}
              </th>`,
          )}
        </tr>
        ${programs.map(
          (row) =>
            html`<tr>
              <td>${verdictName(row)}</td>
              ${kernels.map((kernel) => html`<td>${cell(of(kernel, row))}</td>`)}
            </tr>`,
        )}
      </table>
    </div>
    ${
      findings.length > 0 &&
      html`<div class="card" style="margin-top:.7rem">
        <table>
          <tr>
            <th>Finding</th>
            <th>Kernel</th>
            <th>Program</th>
            <th>Where</th>
            <th>What</th>
          </tr>
          ${findings.map(
            ({ kernel, program, finding }) =>
              html`<tr>
                <td><span class="badge ${colours[finding.state]}">${finding.state}</span></td>
                <td>${kernel.kernel}</td>
                <td>${verdictName(program)}</td>
                <td class="mono">${finding.file === null ? '' : `${finding.file}:${finding.line}`}</td>
                <td class="break">${finding.kind} ${finding.message}</td>
              </tr>`,
          )}
        </table>
      </div>`
    }
    <p class="dim">
      Held against the types of each kernel without running it: what relocates may still be refused by its
      verifier.
    </p>
  </section>`;
}

const colours = { missing: 'bad', unsure: 'warn', guarded: '', open: '' } as const;

function of({ programs }: KernelVerdict, row: ProgramVerdict): ProgramVerdict | undefined {
  return programs.find((each) => verdictName(each) === verdictName(row));
}

function cell(verdict: ProgramVerdict | undefined): Html | string {
  if (verdict === undefined) return '';
  const { relocates, attaches, findings, requirements, unmet } = verdict;
  const count = (state: string): number => findings.filter((each) => each.state === state).length;
  if (unmet.length > 0) return html`<span class="badge${fails(verdict) ? ' bad' : ''}">not used</span>`;
  if (relocates === 'no') return html`<span class="badge bad">✕ ${count('missing')} missing</span>`;
  if (relocates === 'unsure')
    return html`<span class="badge warn">? ${count('unsure')} perhaps missing</span>`;
  if (attaches === 'no') return html`<span class="badge bad">✕ cannot attach</span>`;
  const met = requirements.filter(({ state }) => state === 'found').length;
  const guarded = count('guarded');
  return html`<span class="badge good">✓ ${met} found</span
    >${guarded > 0 && html` <span class="badge">${guarded} guarded</span>`}`;
}

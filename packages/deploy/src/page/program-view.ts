import { verdictName, type Answered } from '../verify';
import { anchor } from './anchor';
import { html, type Html } from './html';
import { type ListedFunction, type ListedInstruction, type ListedLine } from './listing';
import { type Report, type ReportedProgram } from './report';
import { type Walked } from './verifier-walk';

export function programsView(report: Report): Html {
  return html`<section id="programs">
    <h2>Programs</h2>
    ${report.programs.map((program) => programView(report, program))}
  </section>`;
}

function programView(report: Report, program: ReportedProgram): Html {
  const { name, type, load, attach, functions, walk } = program;
  return html`<details class="item program" id="${anchor('program', name)}">
    <summary>
      <b>${name}</b
      ><span class="dim"
        >${type ?? ''}${attach.length > 0 && ` at ${attach.map(({ hook }) => hook).join(', ')}`}</span
      >
      <span class="right"
        >${load !== undefined && loadBadge(program)}
        <span class="badge">${program.insns} instructions</span></span
      >
    </summary>
    <div class="body">
      ${facts(program)} ${load?.errors.map(({ message }) => html`<div class="message">${message}</div>`)}
      ${relocations(report, program)}
      <h3>C and instructions</h3>
      ${
        walk.size > 0 &&
        html`<label class="toggle"
          ><input type="checkbox" class="states" /> what the verifier knew, the first time it came
          there</label
        >`
      }
      ${functions.map((fn) => functionView(fn, walk, functions.length > 1))}
    </div>
  </details>`;
}

function loadBadge({ load, budgets }: ReportedProgram): Html | undefined {
  if (load === undefined || load.loads === null) return undefined;
  if (load.loads === false) return html`<span class="badge bad">✕ refused</span>`;
  const over = load.errors.some(({ code }) => code === 'BUDGET_EXCEEDED');
  if (load.errors.length > 0 && !over) return html`<span class="badge bad">✕ cannot attach</span>`;
  const limit = budgets.insns === undefined ? '' : ` of ${budgets.insns}`;
  return html`<span class="badge ${over ? 'bad' : 'good'}"
    >${over ? '✕' : '✓'} ${load.insns ?? '?'}${limit} verified</span
  >`;
}

function facts({
  object,
  function: entry,
  section,
  maps,
  attach,
  load,
  budgets,
  walk,
}: ReportedProgram): Html {
  const rows: [string, Html | string][] = [
    ['Object', html`${object}, function <code>${entry}</code>, section <code>${section}</code>`],
    ...attach.map(({ id, hook, target, optional }): [string, string] => [
      'Attached',
      `${hook} ${target} as ${id}${optional ? ', optional' : ''}`,
    ]),
    [
      'Maps',
      maps.length === 0
        ? 'none'
        : html`${maps.map((map, i) => html`${i > 0 && ', '}<a href="#${anchor('map', map)}">${map}</a>`)}`,
    ],
  ];
  if (load?.insns !== null && load !== undefined) {
    const { insns, peakStates, stackDepth, time, recorded } = load;
    if (budgets.insns !== undefined) rows.push(['Budget', meter(insns, budgets.insns)]);
    const figures = [
      `${insns} instructions walked`,
      ...(recorded === null ? [] : [`${recorded} recorded`]),
      ...(peakStates === null ? [] : [`${peakStates} states at most`]),
      ...(stackDepth === null ? [] : [`${stackDepth} bytes of stack`]),
      ...(time === null ? [] : [`${time} µs`]),
      ...(walk.size === 0 ? [] : [`busiest: ${busiest(walk)}`]),
    ];
    rows.push(['Verifier', figures.join(', ')]);
  }
  return html`<dl class="facts">
    ${rows.map(
      ([title, value]) =>
        html`<dt>${title}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}

function meter(insns: number, budget: number): Html {
  const share = Math.min(100, Math.round((insns / budget) * 100));
  return html`<span class="meter"><i class="${insns > budget && 'over'}" style="width:${share}%"></i></span
    >${insns} of ${budget}`;
}

function busiest(walk: ReadonlyMap<number, Walked>): string {
  const [insn, { visits }] = [...walk].reduce((most, each) =>
    each[1].visits > most[1].visits ? each : most,
  );
  return `instruction ${insn}, ${visits} times`;
}

/** What a program asks of kernels: a row for each thing, a column for each kernel. */
function relocations({ kernels }: Report, { name }: ReportedProgram): Html | undefined {
  const asked = kernels.map(({ kernel, programs }) => ({
    kernel,
    requirements: programs.find((each) => verdictName(each) === name)?.requirements ?? [],
  }));
  const rows = new Map<string, Answered>();
  for (const { requirements } of asked) for (const each of requirements) rows.set(keyOf(each), each);
  if (rows.size === 0) return undefined;
  const ordered = [...rows].sort(([, a], [, b]) => (a.insn ?? -1) - (b.insn ?? -1));
  return html`<details>
    <summary>${rows.size} things it asks of a kernel, and the answers</summary>
    <div class="scroll">
      <table>
        <tr>
          <th>At</th>
          <th>Kind</th>
          <th>Name</th>
          ${asked.map(({ kernel }) => html`<th>${kernel}</th>`)}
          <th>Where</th>
        </tr>
        ${ordered.map(
          ([key, { insn, kind, name: what, file, line }]) =>
            html`<tr>
              <td class="mono">${insn ?? ''}</td>
              <td>${kind}</td>
              <td class="mono break">${what}</td>
              ${asked.map(({ requirements }) => html`<td>${answer(requirements.find((each) => keyOf(each) === key))}</td>`)}
              <td class="mono">${file === null ? '' : `${file}:${line}`}</td>
            </tr>`,
        )}
      </table>
    </div>
  </details>`;
}

function keyOf({ insn, kind, name }: Answered): string {
  return `${insn}\0${kind}\0${name}`;
}

function answer(found: Answered | undefined): Html | string {
  if (found === undefined) return '';
  if (found.state === 'missing') return html`<span class="badge bad">${found.answer ?? 'missing'}</span>`;
  if (found.state === 'absent') return html`<span class="badge">${found.answer ?? 'absent'}</span>`;
  return html`<span class="mono">${found.answer ?? found.state}</span>`;
}

function functionView(
  { name, file, lines }: ListedFunction,
  walk: Report['programs'][number]['walk'],
  named: boolean,
): Html {
  return html`${(named || file !== '') && html`<p class="dim break">${named && html`<b>${name}</b> `}${file}</p>`}
    <div class="listing">${lines.map((line) => lineView(line, walk))}</div>`;
}

function lineView({ line, source, instructions }: ListedLine, walk: ReadonlyMap<number, Walked>): Html {
  const refused = instructions.some(({ insn }) => (walk.get(insn)?.said.length ?? 0) > 0);
  return html`<div class="line${refused && ' refused'}">
    <span class="at">${line === 0 ? '' : line}</span><span class="c">${source.trimEnd()}</span>
    <div class="i">${instructions.map((each) => instructionView(each, walk.get(each.insn)))}</div>
  </div>`;
}

function instructionView({ insn, text, relocation }: ListedInstruction, walked: Walked | undefined): Html {
  return html`<div class="insn">
      <span class="n">${insn}</span><span>${text}</span>${
        walked !== undefined &&
        html`<span class="v" title="how often the verifier came here">×${walked.visits}</span>`
      }
    </div>
    ${relocation !== undefined && html`<div class="core">${relocation}</div>`}
    ${walked !== undefined && walked.state !== '' && html`<div class="state">${walked.state}</div>`}
    ${walked?.said.map((each) => html`<div class="said">${each}</div>`)}`;
}

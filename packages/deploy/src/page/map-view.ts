import { type ByteRun } from './bytes-of-type';
import { anchor } from './anchor';
import { html, type Html } from './html';
import { type Report, type ReportedMap } from './report';

export function mapsView({ maps, programs }: Report): Html {
  const users = (name: string): string[] =>
    programs.filter((program) => program.maps.includes(name)).map((program) => program.name);
  return html`<section id="maps">
    <h2>Maps</h2>
    ${maps.map((map) => mapView(map, users(map.name)))}
  </section>`;
}

function mapView(map: ReportedMap, users: readonly string[]): Html {
  const { name, type, keySize, valueSize, maxEntries, key, value, config, data } = map;
  const ring = type.endsWith('ringbuf');
  const pin = typeof config.pin === 'string' ? config.pin : config.pin.path;
  return html`<details class="item" id="${anchor('map', name)}">
    <summary>
      <b>${name}</b><span class="dim">${type}</span>
      <span class="right"
        ><span class="badge"
          >${ring ? `${bytes(maxEntries)} ring` : `${maxEntries.toLocaleString('en')} × ${keySize + valueSize} bytes`}</span
        ></span
      >
    </summary>
    <div class="body">
      <dl class="facts">
        <dt>Used by</dt>
        <dd>
          ${users.map((user, i) => html`${i > 0 && ', '}<a href="#${anchor('program', user)}">${user}</a>`)}
        </dd>
        <dt>Pin</dt>
        <dd>${pin}</dd>
        ${
          !data &&
          html`<dt>When its shape changes</dt>
            <dd>
              ${{ refuse: 'an apply is refused', recreate: 'it starts empty', copy: 'its entries are copied by field' }[config.migrate]}
            </dd>`
        }
        ${
          config.protect &&
          html`<dt>Protected</dt>
            <dd>not removed unless forced</dd>`
        }
        ${
          !ring &&
          html`<dt>Memory</dt>
            <dd>
              at least ${bytes(maxEntries * (keySize + valueSize))} when full${map.perCpu && ', for each CPU'}
            </dd>`
        }
      </dl>
      ${keySize > 0 && layout(`Key, ${keySize} bytes`, key)}
      ${valueSize > 0 && layout(`Value, ${valueSize} bytes`, value)}
    </div>
  </details>`;
}

function bytes(count: number): string {
  if (count < 1024) return `${count} bytes`;
  return count < 1048576 ? `${round(count / 1024)} KiB` : `${round(count / 1048576)} MiB`;
}

function round(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0).replace(/\.0$/, '');
}

/** Bytes of a row of the picture. */
const ROW = 8;

/** Rows of a field that are drawn; those between are only counted. */
const MOST_ROWS = 4;

function layout(title: string, runs: readonly ByteRun[]): Html {
  if (runs.length === 0)
    return html`<h3>${title}</h3>
      <p class="dim">The object has no type for it.</p>`;
  const colours = new Map<ByteRun, number>();
  for (const run of runs) if (run.name !== undefined) colours.set(run, colours.size % 7);
  return html`<h3>${title}</h3>
    <div
      class="bytes"
      role="img"
      aria-label="${title}: ${runs.map(({ name, size }) => `${name ?? 'padding'} ${size}`).join(', ')}"
    >
      ${picture(runs).map((row) =>
        'skipped' in row
          ? html`<div class="skip">… ${row.skipped} more bytes of ${row.of}</div>`
          : html`<div class="row mono">
              <span class="off">${row.offset}</span>${row.cells.map(
                ({ run, span, first }) =>
                  html`<span
                    class="cell ${run.name === undefined ? 'pad' : `b${colours.get(run)}`}"
                    style="grid-column:span ${span}"
                    title="${hoverText(run)}"
                    >${first && (run.name === '' ? run.type : (run.name ?? ''))}</span
                  >`,
              )}
            </div>`,
      )}
    </div>
    ${runs.length > 1 && fields(runs)}`;
}

function fields(runs: readonly ByteRun[]): Html {
  return html`<div class="scroll">
    <table>
      <tr>
        <th>Offset</th>
        <th>Size</th>
        <th>Field</th>
        <th>Type</th>
      </tr>
      ${runs.map(
        ({ offset, size, name, type }) =>
          html`<tr>
            <td class="number">${offset}</td>
            <td class="number">${size}</td>
            <td class="mono">${name ?? ''}</td>
            <td class="mono${name === undefined && ' dim'}">${type}</td>
          </tr>`,
      )}
    </table>
  </div>`;
}

function hoverText({ name, type, size, offset }: ByteRun): string {
  return `${name ?? 'padding'}: ${type}, ${size} bytes at ${offset}`;
}

interface Cell {
  readonly run: ByteRun;
  readonly span: number;
  /** It bears the field's name. */
  readonly first: boolean;
}

type PictureRow =
  { readonly offset: number; readonly cells: Cell[] } | { readonly skipped: number; readonly of: string };

/** Rows of eight bytes; what is long is cut in the middle. */
function picture(runs: readonly ByteRun[]): PictureRow[] {
  const rows: PictureRow[] = [];
  let row: { offset: number; cells: Cell[] } | undefined;
  for (const run of runs) {
    let at = run.offset;
    const end = run.offset + run.size;
    while (at < end) {
      if (row === undefined || at % ROW === 0) {
        const left = end - at;
        if (at - run.offset >= (MOST_ROWS - 1) * ROW && left > 2 * ROW) {
          const skipped = Math.floor((left - 1) / ROW) * ROW - ROW;
          rows.push({ skipped, of: run.name ?? 'padding' });
          at += skipped;
        }
        row = { offset: at, cells: [] };
        rows.push(row);
      }
      const span = Math.min(ROW - (at % ROW), end - at);
      row.cells.push({ run, span, first: at === run.offset });
      at += span;
    }
  }
  return rows;
}

import { html, type Html } from './html';
import { anchor } from './anchor';
import { type Report } from './report';

interface Node {
  readonly key: string;
  readonly kind: 'hook' | 'program' | 'map';
  readonly title: string;
  readonly subtitle: string;
  /** What the node leads to on the page. */
  readonly href: string;
}

interface Edge {
  readonly from: string;
  readonly to: string;
}

const WIDTH = 960;
const NODE_WIDTH = 236;
const NODE_HEIGHT = 40;
const ROW = 50;
const TOP = 34;
const COLUMNS = [2, (WIDTH - NODE_WIDTH) / 2, WIDTH - NODE_WIDTH - 2] as const;

/** Letters that fit into a node. */
const FITS = 32;

/** Hooks, programs and maps as three columns, with what hangs together as near to each other as the order allows. */
export function graphView(report: Report): Html {
  const { hooks, programs, maps, edges } = nodesOf(report);
  const columns = [hooks, programs, maps] as const;
  const rows = Math.max(...columns.map(({ length }) => length), 1);
  const height = TOP + rows * ROW;
  const places = new Map<string, { x: number; y: number }>();
  columns.forEach((nodes, column) => {
    const share = (rows * ROW) / Math.max(nodes.length, 1);
    nodes.forEach(({ key }, i) =>
      places.set(key, { x: COLUMNS[column]!, y: TOP + i * share + (share - NODE_HEIGHT) / 2 }),
    );
  });
  return html`<div class="card">
    <svg class="graph" viewBox="0 0 ${WIDTH} ${height}" role="group" aria-label="Hooks, programs and maps">
      ${['Hooks', 'Programs', 'Maps'].map(
        (title, column) => html`<text class="head" x="${COLUMNS[column]! + 4}" y="16">${title}</text>`,
      )}
      ${edges.map((edge) => edgeView(edge, places))}
      ${columns.flatMap((nodes) => nodes.map((node) => nodeView(node, places.get(node.key)!)))}
    </svg>
  </div>`;
}

function nodesOf({ programs, maps }: Report): {
  hooks: Node[];
  programs: Node[];
  maps: Node[];
  edges: Edge[];
} {
  const edges: Edge[] = [];
  const hooks: Node[] = [];
  const weights = new Map<string, number[]>();
  programs.forEach((program, row) => {
    const key = `p:${program.name}`;
    for (const { id, hook, target } of program.attach) {
      const hookKey = `h:${program.name}:${id}`;
      const title = target === '' ? hook : `${hook} ${target}`;
      hooks.push({ key: hookKey, kind: 'hook', title, subtitle: id, href: anchor('program', program.name) });
      edges.push({ from: hookKey, to: key });
    }
    for (const name of program.maps) {
      edges.push({ from: key, to: `m:${name}` });
      weights.set(name, [...(weights.get(name) ?? []), row]);
    }
  });
  const middle = (name: string): number => {
    const rows = weights.get(name) ?? [0];
    return rows.reduce((sum, row) => sum + row, 0) / rows.length;
  };
  const ordered = [...maps].sort((a, b) => middle(a.name) - middle(b.name) || (a.name < b.name ? -1 : 1));
  return {
    hooks,
    programs: programs.map(({ name, type, insns }) => ({
      key: `p:${name}`,
      kind: 'program',
      title: name,
      subtitle: `${type ?? 'unknown type'}, ${insns} instructions`,
      href: anchor('program', name),
    })),
    maps: ordered.map(({ name, type, maxEntries }) => ({
      key: `m:${name}`,
      kind: 'map',
      title: name,
      subtitle: `${type}, ${maxEntries.toLocaleString('en')} ${type.endsWith('ringbuf') ? 'bytes' : 'entries'}`,
      href: anchor('map', name),
    })),
    edges,
  };
}

function edgeView(
  { from, to }: Edge,
  places: ReadonlyMap<string, { x: number; y: number }>,
): Html | undefined {
  const start = places.get(from);
  const end = places.get(to);
  if (start === undefined || end === undefined) return undefined;
  const [x1, y1] = [start.x + NODE_WIDTH, start.y + NODE_HEIGHT / 2];
  const [x2, y2] = [end.x, end.y + NODE_HEIGHT / 2];
  const bend = (x2 - x1) / 2;
  const path = `M${x1} ${round(y1)}C${x1 + bend} ${round(y1)} ${x2 - bend} ${round(y2)} ${x2} ${round(y2)}`;
  return html`<path data-from="${from}" data-to="${to}" d="${path}" />`;
}

function nodeView({ key, kind, title, subtitle, href }: Node, { x, y }: { x: number; y: number }): Html {
  return html`<a href="#${href}" class="node ${kind}" data-node="${key}">
    <title>${title}: ${subtitle}</title>
    <rect x="${x}" y="${round(y)}" width="${NODE_WIDTH}" height="${NODE_HEIGHT}" rx="7" />
    <text x="${x + 11}" y="${round(y + 17)}">${short(title)}</text>
    <text class="kind" x="${x + 11}" y="${round(y + 32)}">${short(subtitle)}</text>
  </a>`;
}

function short(text: string): string {
  return text.length > FITS ? `${text.slice(0, FITS - 1)}…` : text;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

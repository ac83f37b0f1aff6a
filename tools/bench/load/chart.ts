import { type Row } from './run';
import { bars } from './bars';
import { cases, type Case } from './cases';

const width = 860;
const left = 280;
const barHeight = 9;
/** Ratio at the right edge. */
const most = 2;

const colours: Readonly<Record<Case, string>> = {
  'miss-fresh': '#c2553b',
  'bare-fresh': '#e0a899',
  'miss-warm': '#d9a441',
  'hit-fresh': '#3b6ea8',
  'hit-warm': '#4f9d69',
};

/** The ratios as bars, the limit of each as a tick: a picture for the documentation, in SVG. */
export function chart(rows: readonly Row[]): string {
  const ids = Object.keys(cases) as Case[];
  const scale = (ratio: number): number => left + (Math.min(ratio, most) / most) * (width - left - 50);
  const groupHeight = ids.length * (barHeight + 2) + 14;
  const top = 56;
  const parts: string[] = [];
  ids.forEach((id, i) => {
    const x = 12 + i * 165;
    parts.push(
      `<rect x="${x}" y="12" width="10" height="10" fill="${colours[id]}"/>`,
      `<text x="${x + 15}" y="21">${cases[id].title}</text>`,
    );
  });
  for (let ratio = 0; ratio <= most; ratio += 0.25) {
    const x = scale(ratio);
    const bottom = top + rows.length * groupHeight;
    parts.push(
      `<line x1="${x}" y1="${top - 8}" x2="${x}" y2="${bottom}" stroke="${ratio === 1 ? '#555' : '#ddd'}"/>`,
      `<text x="${x}" y="${top - 14}" text-anchor="middle">${ratio === 1 ? 'libbpf = 1' : ratio}</text>`,
    );
  }
  rows.forEach((row, r) => {
    const y = top + r * groupHeight;
    parts.push(`<text x="12" y="${y + groupHeight / 2}">${row.title}</text>`);
    ids.forEach((id, i) => {
      const found = row.cases[id];
      if (found === undefined) return;
      const at = y + i * (barHeight + 2);
      const end = scale(found.ratio);
      parts.push(
        `<rect x="${left}" y="${at}" width="${(end - left).toFixed(1)}" height="${barHeight}" fill="${colours[id]}"/>`,
        `<text x="${(end + 4).toFixed(1)}" y="${at + barHeight - 1}" font-size="9">${found.ratio.toFixed(2)}</text>`,
      );
      const limit = bars[row.name]?.[id];
      if (limit !== undefined) {
        const x = scale(limit).toFixed(1);
        parts.push(
          `<line x1="${x}" y1="${at - 1}" x2="${x}" y2="${at + barHeight + 1}" stroke="#000" stroke-width="2"/>`,
        );
      }
    });
  });
  const height = top + rows.length * groupHeight + 10;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">
<title>Time to load and pin, as a ratio to libbpf in the same run; black ticks are the limits that were set</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${parts.join('\n')}
</svg>
`;
}

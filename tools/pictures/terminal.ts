/** A stretch of text of one look. */
interface Span {
  readonly text: string;
  readonly colour: string;
  readonly bold: boolean;
}

const background = '#1b1d23';
const plain = '#d6d8de';
const faint = '#858b98';
/** `SGR` of ECMA-48, as far as what nx-bpf prints uses it: foregrounds by their numbers. */
const colours: Readonly<Record<number, string>> = {
  31: '#f2777a',
  32: '#99cc99',
  33: '#ffcc66',
  34: '#6699cc',
  36: '#66cccc',
};

/** Units of a letter of the font at 13 units, whatever font there is: each line is stretched to it. */
const letter = 7.8;
const lineHeight = 19;
const margin = 16;
const fonts = "'DejaVu Sans Mono', Menlo, Consolas, monospace";

/**
 * What a terminal showed, as a picture in SVG: the colours and weights of the text, on a dark ground. The same text
 * gives the same picture.
 *
 * @param text with SGR sequences; tabs and other sequences are not expected
 * @param title what it shows, for those who do not see it
 * @param columns a longer line goes on in the next one
 */
export function terminalPicture(text: string, title: string, columns = 132): string {
  const lines = spansOf(text.replace(/\n+$/, '')).flatMap((line) => wrapped(line, columns));
  const widest = Math.max(...lines.map((line) => line.reduce((sum, span) => sum + span.text.length, 0)));
  const width = Math.ceil(widest * letter) + 2 * margin;
  const height = lines.length * lineHeight + 2 * margin;
  const body = lines.flatMap((line, row) => {
    let column = 0;
    return line.flatMap((span) => {
      const x = margin + column * letter;
      const { length } = span.text;
      column += length;
      if (span.text.trim() === '') return [];
      // Blanks that are not run together.
      const look = `fill="${span.colour}"${span.bold ? ' font-weight="bold"' : ''}`;
      const place = `x="${round(x)}" y="${margin + 14 + row * lineHeight}" textLength="${round(length * letter)}"`;
      return [`<text ${place} ${look}>${escaped(span.text).replaceAll(' ', '\u00a0')}</text>`];
    });
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="6" fill="${background}"/>`,
    `<g font-family="${fonts}" font-size="13">`,
    ...body,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

/** The lines of a text, each as spans; a look lasts until it is taken back, over line ends too. */
function spansOf(text: string): Span[][] {
  let look = { foreground: undefined as string | undefined, bold: false, dim: false };
  return text.split('\n').map((line) => {
    const spans: Span[] = [];
    // eslint-disable-next-line no-control-regex -- escape sequences are what is looked for
    for (const part of line.split(/(\x1b\[[0-9;]*m)/)) {
      // eslint-disable-next-line no-control-regex -- escape sequences are what is looked for
      const sequence = /^\x1b\[([0-9;]*)m$/.exec(part);
      if (sequence !== null) for (const code of sequence[1]!.split(';')) look = after(look, Number(code));
      else if (part !== '') {
        const colour = look.foreground ?? (look.dim ? faint : plain);
        spans.push({ text: part, colour, bold: look.bold });
      }
    }
    return spans;
  });
}

/** A line as a terminal of so many columns has it. */
function wrapped(line: readonly Span[], columns: number): Span[][] {
  const rows: Span[][] = [[]];
  let column = 0;
  for (const span of line) {
    for (let at = 0; at < span.text.length;) {
      if (column === columns) {
        rows.push([]);
        column = 0;
      }
      const text = span.text.slice(at, at + columns - column);
      rows.at(-1)!.push({ ...span, text });
      at += text.length;
      column += text.length;
    }
  }
  return rows;
}

type Look = { foreground: string | undefined; bold: boolean; dim: boolean };

function after(look: Look, code: number): Look {
  if (code === 0) return { foreground: undefined, bold: false, dim: false };
  if (code === 1) return { ...look, bold: true };
  if (code === 2) return { ...look, dim: true };
  if (code === 22) return { ...look, bold: false, dim: false };
  if (code === 39) return { ...look, foreground: undefined };
  return colours[code] === undefined ? look : { ...look, foreground: colours[code] };
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}

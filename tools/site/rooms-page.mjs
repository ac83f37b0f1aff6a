/**
 * The architecture as a page: what the house is, and its rooms as a drawing.
 *
 * @param {Record<string, { rooms: string[], pure: string[], packages: string[] }>} house tools/lint/house.mjs
 * @returns {string} Markdown
 */
export function roomsPage(house) {
  const sections = Object.entries(house).map(([name, { rooms, pure, packages }]) =>
    section(name, rooms, pure, packages),
  );
  return [...before, ...sections, ...after].join('\n');
}

const before = [
  '# Architecture',
  '',
  'A package is a row of rooms, in the order in which an object passes through them. A room imports only from rooms',
  'before it, and only what they export; a lint rule holds that, and this drawing is made from it. The rooms of the loader',
  'with a double line are pure: bytes and values in, values out; no file, no system call, no privileges.',
  '',
];

const after = [
  'An object file becomes an `ObjectSpec` (`object`), which asks nothing of a kernel. Against the types of one kernel it',
  'becomes a `RelocatedObject` (`relocate`), in which only that is still a name which changes between boots: descriptors',
  'of maps, addresses of symbols, modules. That is what caches and bundles hold. `load` creates the maps, puts their',
  'descriptors into the lower half of the 64-bit immediates, offsets of variables staying in the upper half, and hands',
  'the programs to the verifier; `attach` makes links; `runtime` is what a TypeScript program holds.',
  '',
  'In deploy, `plan` is a value: what is desired, recorded and observed, compared. `apply` carries it out, each step with',
  'its way back. What is deployed is recorded in the kernel itself, as pins and frozen maps: it lives as long as what it',
  'describes.',
  '',
];

const WIDTH = 118;
const HEIGHT = 34;
const GAP = 14;
const COLUMNS = 6;

function section(name, rooms, pure, packages) {
  const rows = Math.ceil(rooms.length / COLUMNS);
  const width = COLUMNS * (WIDTH + GAP);
  const height = rows * (HEIGHT + GAP + 6);
  const place = (i) => ({
    x: (i % COLUMNS) * (WIDTH + GAP) + 2,
    y: Math.floor(i / COLUMNS) * (HEIGHT + GAP + 6) + 4,
  });
  const boxes = rooms.map((room, i) => {
    const { x, y } = place(i);
    const double = pure.includes(room)
      ? `<rect x="${x + 3}" y="${y + 3}" width="${WIDTH - 6}" height="${HEIGHT - 6}" rx="4" fill="none" stroke="currentColor" opacity=".35"/>`
      : '';
    const arrow =
      i + 1 < rooms.length && (i + 1) % COLUMNS !== 0
        ? `<path d="M${x + WIDTH + 1} ${y + HEIGHT / 2}h${GAP - 3}m-4-4l4 4-4 4" fill="none" stroke="currentColor"/>`
        : '';
    return `<rect x="${x}" y="${y}" width="${WIDTH}" height="${HEIGHT}" rx="6" fill="none" stroke="currentColor"/>${double}<text x="${x + WIDTH / 2}" y="${y + 22}" text-anchor="middle" font-size="14" fill="currentColor">${room}</text>${arrow}`;
  });
  return `## @nx-bpf/${name}

<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Rooms of ${name}: ${rooms.join(', ')}" style="max-width:100%">${boxes.join('')}</svg>

It depends on ${packages.map((each) => `\`${each}\``).join(', ')}.
`;
}

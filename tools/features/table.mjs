/** What stands in a cell for each outcome. */
const cells = {
  works: 'yes',
  'too old': '–',
  'not built': 'not built',
  forbidden: 'forbidden',
  wrong: 'WRONG',
};

const titles = {
  Loader: 'What the loader does differently from kernel to kernel',
  Probes: 'What the loader asks the kernel',
  Hooks: 'Programs attached, run, and detached',
  Programs: 'Programs that are only loaded',
  Agent: 'The example agent',
  Objects: "Objects of the loader's corpus",
};

/** docs/kernels.md. */
export function document(results) {
  const tables = Object.keys(titles).map((group) => `## ${titles[group]}\n\n${groupTable(results, group)}\n`);
  return `# Kernels

Made by \`npm run kernels -- --write\`: each row is a feature of \`tools/features\`, tried on Debian's kernels in virtual
machines and on the running one (the last column). \`npm test\` tries them again and fails where a kernel says something
else.

**yes**: it works. **–**: the kernel is older than the feature, and the loader says so. **not built**: the kernel was
built without it. **forbidden**: the kernel has it and answers EPERM.

${tables.join('\n')}`;
}

/** All tables, for a terminal. */
export function table(results) {
  const present = new Set(results.rows.map(({ group }) => group));
  return Object.keys(titles)
    .filter((group) => present.has(group))
    .map((group) => groupTable(results, group))
    .join('\n\n');
}

function groupTable({ rows, columns }, group) {
  const kernels = Object.keys(columns);
  const lines = rows
    .filter((row) => row.group === group)
    .map(({ name, since }) => [name, since, ...kernels.map((kernel) => cells[columns[kernel][name]])]);
  const all = [[group, 'since', ...kernels], ['---', '---', ...kernels.map(() => '---')], ...lines];
  const widths = all[0].map((_, column) => Math.max(...all.map((line) => line[column].length)));
  return all
    .map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`)
    .join('\n');
}

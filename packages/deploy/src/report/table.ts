import pc from 'picocolors';

export interface Column<Row> {
  readonly title: string;
  readonly of: (row: Row) => string | number;
}

/**
 * Rows under titles, columns as wide as their widest cell, numbers to the right.
 *
 * @example
 * ```ts
 * table([{ name: 'hits', size: 8 }], [{ title: 'map', of: (r) => r.name }, { title: 'bytes', of: (r) => r.size }]);
 * // ['map   bytes', 'hits      8']
 * ```
 */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string[] {
  const cells = rows.map((row) => columns.map((column) => column.of(row)));
  const widths = columns.map((column, i) =>
    Math.max(column.title.length, ...cells.map((line) => String(line[i]).length)),
  );
  const right = columns.map((_, i) => cells.length > 0 && cells.every((line) => typeof line[i] === 'number'));
  const line = (values: readonly (string | number)[]): string =>
    values
      .map((value, i) => (right[i] ? String(value).padStart(widths[i]!) : String(value).padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [pc.dim(line(columns.map((column) => column.title))), ...cells.map(line)];
}

/** A count with commas between its thousands. */
export const whole = (count: number): string => count.toLocaleString('en-US', { maximumFractionDigits: 0 });
export const decimal = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 4 });
export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** Columns padded to their widest cell, two spaces apart; `right` lists the numeric ones. */
export const alignedTable = (rows: readonly (readonly string[])[], right: ReadonlySet<number> = new Set()): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (right.has(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join('');
};

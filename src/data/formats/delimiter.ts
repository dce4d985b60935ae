import { MAX_FIELDS, splitFields } from '../import/fields.js';

/** Stands for a run of blanks and tabs, the first of a line left out. */
export const BLANKS = ' ';

/** Tried in this order. `::` comes first since it is nothing else; blanks come last since names have them, too. */
const CANDIDATES = ['::', '\t', ',', ';', '|', BLANKS] as const;

/** A line as fields. An unclosed quote is text. */
export const fieldsOf = (line: string, delimiter: string): string[] => {
  const bytes = Buffer.from(line);
  const bounds = new Int32Array(2 * MAX_FIELDS);
  const count = Math.abs(splitFields(bytes, 0, bytes.length, Buffer.from(delimiter), bounds, true));
  return Array.from({ length: Math.min(count, MAX_FIELDS) }, (_, i) => bytes.toString('utf8', bounds[2 * i], bounds[2 * i + 1]));
};

export type SplitLines = { readonly delimiter: string; readonly rows: readonly (readonly string[])[] };

/** Share of the lines that have as many fields as the first. */
const agreement = (rows: readonly (readonly string[])[]): number =>
  rows.filter(({ length }) => length === rows[0]!.length).length / rows.length;

export const isNumeric = (text: string): boolean => /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text);

/** Lines whose third or a later field is a number. */
const numeric = (rows: readonly (readonly string[])[]): number => rows.filter((row) => row.slice(2).some(isNumeric)).length;

/**
 * What separates the fields of these lines. Best are three or more fields with a number behind the second, in most lines. Three or more
 * fields come next, then two. The first candidate wins among equals.
 */
export const judgeDelimiter = (lines: readonly string[]): SplitLines => {
  const judged = CANDIDATES.map((delimiter) => {
    const rows = lines.map((line) => fieldsOf(line, delimiter));
    const fields = rows[0]?.length ?? 0;
    const steady = agreement(rows);
    const numbers = numeric(rows) / rows.length;
    const score = fields >= 3 ? 2 + steady + (numbers > 0 ? 1 : 0) + numbers : fields === 2 ? steady : -1;
    return { delimiter, rows, score };
  });
  return judged.reduce((best, each) => (each.score > best.score + 1e-9 ? each : best));
};

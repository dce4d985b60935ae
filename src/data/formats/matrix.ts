import { badInput } from '../../base/errors.js';
import { isNumeric } from './delimiter.js';
import { type Layout, textLines } from './layout.js';
import { idOf, ratingOf, shown } from './reading.js';

/** A line a user, a column an item (Jester). */
const SEPARATORS = [',', '\t', ';', /[ \t]+/] as const;
/** Jester's mark of a joke that was not rated, and the ends of its scale. */
const JESTER = { unrated: 99, most: 10 } as const;
/** Fields from which numbers in every place of every line are a matrix; with 99 among them, so few are enough. */
const LEAST = { any: 20, jester: 5 } as const;

const cellsOf = (line: string, separator: string | RegExp): string[] =>
  line
    .trim()
    .split(separator)
    .map((cell) => cell.trim());

const isCell = (cell: string): boolean => cell === '' || isNumeric(cell);

type Form = { readonly separator: string | RegExp; readonly header?: readonly string[]; readonly skip: number; readonly jester: boolean };

const formOf = (lines: readonly string[]): Form | undefined => {
  for (const separator of SEPARATORS) {
    const rows = lines.map((line) => cellsOf(line, separator));
    const fields = rows[0]!.length;
    if (fields < LEAST.jester || rows.length < 2 || !rows.every(({ length }) => length === fields)) continue;
    const isNamed = !rows[0]!.slice(1).some(isNumeric) && fields >= LEAST.any;
    const body = isNamed ? rows.slice(1) : rows;
    // Where there is a header, the first field is the user.
    if (!body.every((row) => row.slice(isNamed ? 1 : 0).every(isCell))) continue;
    if (isNamed) return { separator, header: rows[0]!, skip: 1, jester: false };
    const jester = body.every((row) =>
      row.slice(1).every((cell) => cell === '' || Number(cell) === JESTER.unrated || Math.abs(Number(cell)) <= JESTER.most),
    );
    const marked = body.filter((row) => row.slice(1).some((cell) => cell === '' || Number(cell) === JESTER.unrated)).length;
    if (jester && 2 * marked >= body.length) {
      const isCount = body.every(
        (row) => Number(row[0]) === row.slice(1).filter((cell) => cell !== '' && Number(cell) !== JESTER.unrated).length,
      );
      return { separator, skip: isCount ? 1 : 0, jester: true };
    }
    if (fields >= LEAST.any) return { separator, skip: 0, jester: false };
  }
  return undefined;
};

/** Undefined unless the lines are a dense matrix. */
export const matrix = (head: readonly string[]): Layout | undefined => {
  const form = formOf(head);
  if (form === undefined) return undefined;
  const { separator, header, skip, jester } = form;
  return {
    recognised: {
      layout: 'matrix',
      title: jester ? "Jester's dense matrix: a line a user, 99 = not rated" : 'dense matrix: a line a user, a column an item',
      feedback: 'explicit',
      columns: {
        user: header === undefined ? 'number of the line, from 1' : '1',
        item:
          header === undefined ? `number of the column, from 1${skip > 0 ? ', behind the count of ratings' : ''}` : 'names in the header',
        rating: 'the cells; an empty one is not rated',
      },
      unrated: jester ? [JESTER.unrated] : [],
      notes: jester ? [] : ['a cell that is not empty is a rating (unrated: [0] leaves zeros out)'],
    },
    read: async ({ path, lines, emit, fail }) => {
      let row = 0;
      let fields = 0;
      await lines(
        textLines(fail, (text, line) => {
          if (text.trim() === '') return;
          const cells = cellsOf(text, separator);
          if (fields === 0) {
            fields = cells.length;
            if (header !== undefined) return;
          }
          row++;
          if (cells.length !== fields) throw fail(line, `${fields} fields`, `${cells.length}`);
          const user = header === undefined ? row : (idOf(cells[0]) ?? '');
          for (let at = skip; at < fields; at++) {
            const cell = cells[at]!;
            if (cell === '') continue;
            const value = ratingOf(cell);
            if (Number.isNaN(value)) throw fail(line, 'a numeric rating', shown(cell));
            emit(user, header === undefined ? at - skip + 1 : (idOf(header[at]) ?? ''), value, line, Number.NaN);
          }
        }),
      );
      if (row === 0) throw badInput('DATA', path, 'a line of ratings', 'none');
    },
  };
};

import { type Layout, textLines } from './layout.js';
import { idOf, type Recognised, ratingOf, shown } from './reading.js';

/** Lines that hold all that one user has: `user item item …`, with a count in front, or as `item:rating` (LibSVM, libFM). */
type Kind = 'lists' | 'counted' | 'libsvm' | 'libfm';

const PAIR = /^([^\s:]+):([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)$/;
const ID = /^[\w-]+$/;

const isDistinct = (values: readonly string[]): boolean => new Set(values).size === values.length;

/** Share of the lines that must differ in length from the most common length: a table has lines of one length. */
const LEAST_RAGGED = 1 / 3;

const isRagged = (rows: readonly (readonly string[])[]): boolean => {
  const counts = new Map<number, number>();
  for (const { length } of rows) counts.set(length, (counts.get(length) ?? 0) + 1);
  return Math.max(...counts.values()) <= (1 - LEAST_RAGGED) * rows.length;
};

const kindOf = (rows: readonly (readonly string[])[]): Kind | undefined => {
  const firsts = rows.map(([first]) => first!);
  if (rows.every(([, ...rest]) => rest.length > 0 && rest.every((token) => PAIR.test(token)))) {
    const oneHot = rows.every((row) => row.length === 3 && row.slice(1).every((token) => /:1(\.0*)?$/.test(token)));
    return oneHot && !Number.isNaN(ratingOf(firsts[0])) ? 'libfm' : PAIR.test(firsts[0]!) ? undefined : 'libsvm';
  }
  if (rows.length < 2 || !rows.every((row) => row.every((token) => ID.test(token)))) return undefined;
  if (rows.every((row) => row[0] === String(row.length - 1)) && !rows.every(({ length }) => length === rows[0]!.length)) return 'counted';
  return rows.length >= 3 && isDistinct(firsts) && isRagged(rows) ? 'lists' : undefined;
};

const TITLES: Readonly<Record<Kind, string>> = {
  lists: 'lists: user item item …',
  counted: 'lists with their length in front (CiteULike): line n holds the items of user n − 1',
  libsvm: 'LibSVM: item:rating pairs',
  libfm: 'libFM: rating user:1 item:1',
};

const columnsOf = (kind: Kind, byLine: boolean): Recognised['columns'] => {
  const user = byLine ? 'number of the line, from 0' : '1';
  switch (kind) {
    case 'lists':
    case 'counted':
      return { user, item: '2 and on' };
    case 'libsvm':
      return { user, item: 'before each colon', rating: 'behind it' };
    case 'libfm':
      return { user: '2', item: '3', rating: '1' };
  }
};

/** Undefined unless the lines are such lists. */
export const lists = (head: readonly string[]): Layout | undefined => {
  const rows = head.map((line) => line.trim().split(/[ \t]+/));
  const kind = kindOf(rows);
  if (kind === undefined) return undefined;
  const byLine = kind === 'counted' || (kind === 'libsvm' && !isDistinct(rows.map(([first]) => first!)));
  const hasValues = kind === 'libsvm' || kind === 'libfm';
  const feedback = hasValues ? 'explicit' : 'pairs';
  return {
    recognised: { layout: 'lists', title: TITLES[kind], feedback, columns: columnsOf(kind, byLine), unrated: [], notes: [] },
    read: async ({ lines, emit, fail }) => {
      let seen = -1;
      await lines(
        textLines(fail, (text, line) => {
          if (text.trim() === '') return;
          seen++;
          const [first = '', ...rest] = text.trim().split(/[ \t]+/);
          const user = byLine ? seen : (idOf(first) ?? '');
          if (!hasValues) {
            if (kind === 'counted' && first !== String(rest.length)) throw fail(line, `${shown(first)} items`, `${rest.length}`);
            for (const item of rest) emit(user, idOf(item)!, Number.NaN, line, Number.NaN);
            return;
          }
          const pairs = rest.map((token) => {
            const [, id, value] = PAIR.exec(token) ?? [];
            if (id === undefined || Number.isNaN(ratingOf(value))) throw fail(line, 'item:rating', shown(token));
            return [idOf(id)!, ratingOf(value)] as const;
          });
          if (kind === 'libsvm') {
            for (const [item, value] of pairs) emit(user, item, value, line, Number.NaN);
            return;
          }
          const value = ratingOf(first);
          if (pairs.length !== 2 || Number.isNaN(value)) throw fail(line, 'rating user:1 item:1', shown(text));
          emit(pairs[0]![0], pairs[1]![0], value, line, Number.NaN);
        }),
      );
    },
  };
};

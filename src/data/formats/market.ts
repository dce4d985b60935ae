import { badInput } from '../../base/errors.js';
import { type Layout, textLines } from './layout.js';
import { idOf, ratingOf, shown } from './reading.js';

/** Matrix Market, coordinate form: row = user, column = item. */
export const market = (place: string, head: string): Layout => {
  const [, , form, field] = head.toLowerCase().split(/\s+/);
  if (form !== 'coordinate') throw badInput('DATA', place, 'a Matrix Market file in coordinate form', shown(head));
  const hasValues = field !== 'pattern';
  return {
    recognised: {
      layout: 'market',
      title: 'Matrix Market, coordinates',
      feedback: hasValues ? 'explicit' : 'pairs',
      columns: { user: '1 (row)', item: '2 (column)', ...(hasValues && { rating: '3 (value)' }) },
      unrated: [],
      notes: [],
    },
    read: async ({ lines, emit, fail }) => {
      let sizes = false;
      await lines(
        textLines(fail, (text, line) => {
          if (text.startsWith('%') || text.trim() === '') return;
          const fields = text.trim().split(/\s+/);
          if (!sizes) {
            sizes = true;
            return;
          }
          const expected = hasValues ? 3 : 2;
          if (fields.length !== expected) throw fail(line, `${expected} fields`, `${fields.length}`);
          const value = hasValues ? ratingOf(fields[2]) : Number.NaN;
          if (hasValues && Number.isNaN(value)) throw fail(line, 'a numeric rating', shown(fields[2]));
          emit(idOf(fields[0])!, idOf(fields[1])!, value, line, Number.NaN);
        }),
      );
    },
  };
};

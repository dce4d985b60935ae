import { type Layout, textLines } from './layout.js';
import { idOf, ratingOf, shown } from './reading.js';
import { secondsOf } from './time.js';

/** Netflix Prize: `movie:` above lines of `user,rating,date`. */
const NETFLIX = /^(\S+):$/;
/** KDD Cup 2011 (Yahoo! Music): `user|count` above lines of item, rating and perhaps time. */
const YAHOO = /^(\d+)\|(\d+)$/;

type Kind = {
  readonly head: RegExp;
  readonly separator: RegExp;
  readonly above: 'user' | 'item';
  readonly title: string;
  readonly least: number;
  /** Whether a time stands behind the rating. KDD Cup's is a day of its own count. */
  readonly timed: boolean;
};

const NETFLIX_KIND: Kind = {
  head: NETFLIX,
  separator: /,/,
  above: 'item',
  title: 'Netflix Prize: blocks of movie: user,rating,date',
  least: 2,
  timed: true,
};
const YAHOO_KIND: Kind = {
  head: YAHOO,
  separator: /\t/,
  above: 'user',
  title: 'KDD Cup 2011: blocks of user|count, item TAB rating',
  least: 2,
  timed: false,
};

const layoutOf = ({ head, separator, above, title, least, timed }: Kind): Layout => {
  const below = above === 'user' ? 'item' : 'user';
  return {
    recognised: {
      layout: 'blocks',
      title,
      feedback: 'explicit',
      columns: { [above]: 'the line above a block', [below]: '1', rating: '2', ...(timed && { time: '3' }) },
      unrated: [],
      notes: [],
    },
    read: async ({ lines, emit, fail }) => {
      let current: number | string | undefined;
      await lines(
        textLines(fail, (text, line) => {
          const trimmed = text.trim();
          if (trimmed === '') return;
          const block = head.exec(trimmed);
          if (block !== null) {
            current = idOf(block[1]);
            return;
          }
          const fields = trimmed.split(separator);
          if (current === undefined || fields.length < least) throw fail(line, `a block's head or ${least} fields`, shown(trimmed));
          const value = ratingOf(fields[1]);
          if (Number.isNaN(value)) throw fail(line, 'a numeric rating', shown(fields[1]));
          const inner = idOf(fields[0]) ?? '';
          const time = timed ? secondsOf(fields[2] ?? '') : Number.NaN;
          if (above === 'item') emit(inner, current, value, line, time);
          else emit(current, inner, value, line, time);
        }),
      );
    },
  };
};

/** Undefined unless the lines are blocks. */
export const blocks = (lines: readonly string[]): Layout | undefined => {
  const [head = '', next = ''] = lines;
  if (NETFLIX.test(head) && (next === '' || next.includes(','))) return layoutOf(NETFLIX_KIND);
  if (YAHOO.test(head) && next.includes('\t')) return layoutOf(YAHOO_KIND);
  return undefined;
};

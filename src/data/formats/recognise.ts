import { badInput } from '../../base/errors.js';
import { locate, type Wanted } from '../import/header.js';
import { blocks } from './blocks.js';
import { delimited } from './delimited.js';
import { json } from './json/json.js';
import type { Layout } from './layout.js';
import { lists } from './lists.js';
import { market } from './market.js';
import { matrix } from './matrix.js';
import { reviews } from './reviews.js';

/** The lines that a layout is recognised by. */
export const MOST_LINES = 100;

/** The encoding of old sets, which their header gives away. */
export const encodingOfSet = ([head = '']: readonly string[]): string | undefined =>
  /^"?User-ID"?[;,]"?ISBN"?[;,]/.test(head) ? 'latin1' : undefined;

/**
 * The layout of a text by its first lines, blank ones left out. `first`: the number of the first of them.
 * @throws MetafleetError DATA that says what was expected, and which key would say it.
 */
export const recogniseText = (path: string, lines: readonly string[], first: number, wanted: Wanted): Layout => {
  const place = `${path}:${first}`;
  const head = lines[0]!;
  if (/^\s*<(!doctype|html|\?xml)/i.test(head)) throw badInput('DATA', place, 'ratings', 'an HTML or XML page');
  if (/^\s*[[{]/.test(head)) return json(place, lines, wanted);
  if (head.startsWith('%%MatrixMarket')) return market(place, head);
  if (wanted.columns === undefined && wanted.delimiter === undefined) {
    const special = blocks(lines) ?? reviews(lines) ?? lists(lines) ?? matrix(lines);
    if (special !== undefined) return special;
  }
  return delimited(locate(place, lines, wanted));
};

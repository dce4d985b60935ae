import { badInput } from '../../base/errors.js';
import type { LoadOptions } from '../../data/load.js';

/** Flags that several `data` commands have. */

export const number = (flag: string, text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw badInput('CONFIG', flag, 'a number', text);
  return value;
};

export const parseColumns = (text: string): NonNullable<LoadOptions['columns']> => {
  const [user, item, rating, ...more] = text.split(',').map((column) => (/^\d+$/.test(column) ? Number(column) : column));
  if (user === undefined || item === undefined || rating === undefined || more.length > 0) {
    throw badInput('CONFIG', '--columns', 'user,item,rating as header names or numbers from 1', text);
  }
  return { user, item, rating };
};

export const parseScale = (text: string): NonNullable<LoadOptions['scale']> => {
  const [lowest, highest, step, ...more] = text.split(':').map((each) => number('--scale', each));
  if (lowest === undefined || highest === undefined || more.length > 0) {
    throw badInput('CONFIG', '--scale', 'lowest:highest or lowest:highest:step', text);
  }
  return { lowest, highest, ...(step !== undefined && { step }) };
};

export type DescribeFlags = Pick<LoadOptions, 'split' | 'seed' | 'columns' | 'delimiter' | 'scale'>;

/** `\\t` in a shell is two characters, and means a tab. */
export const parseDelimiter = (text: string): string => text.replaceAll('\\t', '\t');

export const note = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

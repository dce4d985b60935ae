import { badInput } from '../../base/errors.js';
import type { Wanted } from '../import/header.js';
import type { TableFile } from '../tables/table.js';
import { isHeader, rolesOf, setOfHeader } from './names.js';
import { type Columns, type Emit, type Fail, idOf, type Recognised, type Role, ratingOf, shown } from './reading.js';
import { secondsOf, secondsOfNumber } from './time.js';

/** A table of Parquet or Arrow, whose columns have names. */
export type TableLayout = { readonly recognised: Recognised; readonly read: (emit: Emit, fail: Fail) => Promise<void> };

const ROLES = ['user', 'item', 'rating', 'time'] as const;

/** The names of the columns that were asked for, by name or by number from 1. */
const givenNames = (path: string, names: readonly string[], columns: Columns): Partial<Record<Role, string>> =>
  Object.fromEntries(
    ROLES.flatMap((role): [Role, string][] => {
      const column = columns[role];
      if (column === undefined) return [];
      const name = typeof column === 'number' ? names[column - 1] : names.find((each) => each === column);
      if (name === undefined)
        throw badInput('DATA', path, `a ${role} column that is there (${names.join(', ').slice(0, 200)})`, shown(column));
      return [[role, name]];
    }),
  );

const foundNames = (path: string, names: readonly string[]): Partial<Record<Role, string>> => {
  const roles = rolesOf(names);
  if (!isHeader(roles))
    throw badInput(
      'DATA',
      path,
      'columns for user and item (or columns: [user, item, rating])',
      names.join(', ').slice(0, 200) || 'no columns',
    );
  return Object.fromEntries(ROLES.flatMap((role): [Role, string][] => (roles[role] < 0 ? [] : [[role, names[roles[role]]!]])));
};

const timeOf = (value: unknown): number => {
  if (value instanceof Date) return value.getTime() / 1000;
  if (typeof value === 'bigint' || typeof value === 'number') return secondsOfNumber(Number(value));
  return typeof value === 'string' ? secondsOf(value) : Number.NaN;
};

export const tableLayout = (path: string, kind: 'Parquet' | 'Arrow', table: TableFile, { columns }: Wanted): TableLayout => {
  const { names } = table;
  const chosen = columns === undefined ? foundNames(path, names) : givenNames(path, names, columns);
  const { user, item, rating, time } = chosen;
  const feedback = rating === undefined ? 'pairs' : columns === undefined ? rolesOf(names).feedback : 'explicit';
  return {
    recognised: {
      layout: 'table',
      title: `${kind} table`,
      feedback,
      columns: chosen,
      unrated: setOfHeader(names)?.unrated ?? [],
      notes: [],
    },
    read: async (emit, fail) => {
      let line = 0;
      for await (const batch of table.batches(Object.values(chosen))) {
        const column = (name: string | undefined) => (name === undefined ? undefined : batch.columns[name]);
        const [users, items, ratings, times] = [user, item, rating, time].map(column);
        for (let row = 0; row < batch.rows; row++) {
          line++;
          const given = ratings?.[row];
          const value = given instanceof Date ? Number.NaN : ratingOf(given);
          const missing = ratings !== undefined && (given === null || given === undefined || Number.isNaN(given));
          if (ratings !== undefined && !missing && Number.isNaN(value)) throw fail(line, 'a numeric rating', shown(String(given)));
          emit(
            idOf(users?.[row]) ?? '',
            idOf(items?.[row]) ?? '',
            missing ? null : value,
            line,
            times === undefined ? Number.NaN : timeOf(times[row]),
          );
        }
      }
    },
  };
};

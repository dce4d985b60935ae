import type { ColdResult, ColdTable } from './study.js';

const COLUMNS = ['ndcg@10', 'recall@10', 'hr@10', 'recall@20'] as const;
const NAME = 36;
const FIGURE = 13;

const number = (value: number | null): string => (value === null ? '-' : value.toFixed(3).replace(/^0/, ''));

const tableText = ({ setting, seed, users, items, rows }: ColdTable): string =>
  [
    `${setting}, seed ${seed}: ${users.warm} warm users, ${users.valid} of validation, ${users.test} of test; ${items.candidates} candidate items`,
    `${''.padEnd(NAME)}${COLUMNS.map((name) => name.padStart(FIGURE)).join('')}  options`,
    ...rows.map(({ name, options, test: { metrics } }) => {
      const figures = COLUMNS.map((column) => `${number(metrics[column]!.mean)} ±${number(metrics[column]!.error)}`.padStart(FIGURE));
      return `${name.padEnd(NAME)}${figures.join('')}  ${options}`.trimEnd();
    }),
  ].join('\n');

/** One table for each setting and seed. ± is the standard error over the test users of that seed. */
export const coldText = ({ tables }: ColdResult): string => tables.map(tableText).join('\n\n');

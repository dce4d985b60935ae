import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { random } from '../../../src/base/random.js';
import { metafleet } from '../cli/command.js';

const USERS = 24;
const ITEMS = 30;

/** Ratings of users of two tastes, as a CSV with ids that are texts; and titles of all items but the last. */
export const writeRatings = (folder: string, seed = 5): void => {
  const source = random(seed, 'ratings');
  const lines = Array.from({ length: USERS }, (_, user) =>
    Array.from({ length: ITEMS }, (_, item) => {
      if (source.uniform() < 0.4) return '';
      const rating = (user + item) % 2 === 0 ? 4 + source.integer(2) : 1 + source.integer(2);
      return `user ${user},i${item},${rating}\n`;
    }).join(''),
  );
  writeFileSync(join(folder, 'ratings.csv'), `user,item,rating\n${lines.join('')}`);
  const titles = Array.from({ length: ITEMS - 1 }, (_, item) => `i${item},"Title, ${item}"\n`);
  writeFileSync(join(folder, 'titles.csv'), `item,title\n${titles.join('')}`);
};

/** Sizes of models that take milliseconds an epoch. */
export const SIZES = {
  metamf: [
    ...['--metamf.userEmbedding', '4', '--metamf.collaborative', '4', '--metamf.hidden', '6', '--metamf.lowRank', '3'],
    ...['--metamf.itemEmbedding', '4', '--metamf.units', '2'],
  ],
  fedavg: ['--algorithm', 'fedavg', '--fedavg.itemEmbedding', '4'],
  maml: ['--algorithm', 'maml', '--maml.dimension', '4'],
} as const;

/** Trains on the ratings in `cwd`, into results/`name`. */
export const train = async (cwd: string, name: string, ...words: readonly string[]): Promise<void> => {
  const common = ['--data', 'ratings.csv', '--cohort', '8', '--threads', '2', '--epochs', '4', '--patience', '0'];
  const quiet = ['--quiet', '--baselines', 'false', '--metrics.enabled', 'false', '--name', name];
  const { code, err } = await metafleet(['run', ...common, ...quiet, ...words], { cwd });
  expect({ code, err }).toEqual({ code: 0, err: expect.any(String) });
};

import { badInput } from '../base/errors.js';

export const SYNTHETIC = 'synthetic:';

/** What a synthetic set is made of. Standard deviations are in rating units. */
export type SyntheticOptions = {
  readonly users: number;
  readonly items: number;
  /** In all three parts together. Default: 20 per user, or as many as there are pairs. */
  readonly ratings: number;
  /** Number of planted factors. */
  readonly rank: number;
  /** μ. */
  readonly mean: number;
  /** Standard deviation of b_u. */
  readonly userBias: number;
  /** Standard deviation of b_i. */
  readonly itemBias: number;
  /** Standard deviation of p_u·q_i. */
  readonly taste: number;
  /** Standard deviation of what no model can know. */
  readonly noise: number;
  /** Activity of a user ∝ rank^−activity (0: equally many ratings each). 0.6 has ML-1M's ratio of median to mean, 0.6. */
  readonly activity: number;
  /** Popularity of an item ∝ rank^−popularity (0: uniform). */
  readonly popularity: number;
};

const DEFAULTS: SyntheticOptions = {
  users: 1000,
  items: 500,
  ratings: Number.NaN,
  rank: 8,
  mean: 3.5,
  userBias: 0.4,
  itemBias: 0.4,
  taste: 0.6,
  noise: 0.5,
  activity: 0.6,
  popularity: 0.8,
};

/** Allowed values: counts are integers. 2³¹−1 is the largest dense id; 2³⁰ ratings are 8 GiB. */
const RANGES: Readonly<Record<keyof SyntheticOptions, readonly [lowest: number, highest: number, 'integer' | 'number']>> = {
  users: [1, 2 ** 31 - 1, 'integer'],
  items: [1, 2 ** 31 - 1, 'integer'],
  ratings: [1, 2 ** 30, 'integer'],
  rank: [0, 256, 'integer'],
  mean: [-1000, 1000, 'number'],
  userBias: [0, 1000, 'number'],
  itemBias: [0, 1000, 'number'],
  taste: [0, 1000, 'number'],
  noise: [0, 1000, 'number'],
  activity: [0, 4, 'number'],
  popularity: [0, 4, 'number'],
};

const isKey = (key: string): key is keyof SyntheticOptions => Object.hasOwn(RANGES, key);

/** Fills in defaults. @throws MetafleetError DATA naming the option, its range and what was found. */
export const syntheticOptions = (given: Partial<SyntheticOptions>): SyntheticOptions => {
  const options = { ...DEFAULTS, ...given };
  const pairs = options.users * options.items;
  if (given.ratings === undefined) options.ratings = Math.min(20 * options.users, pairs, RANGES.ratings[1]);
  for (const [key, [lowest, highest, kind]] of Object.entries(RANGES)) {
    const value = options[key as keyof SyntheticOptions];
    if (!(value >= lowest && value <= highest) || (kind === 'integer' && !Number.isInteger(value))) {
      const what = kind === 'integer' ? 'an integer' : 'a number';
      throw badInput('DATA', `synthetic ${key}`, `${what} from ${lowest} to ${highest}`, `${value}`);
    }
  }
  if (options.ratings < options.users) {
    throw badInput('DATA', 'synthetic ratings', `at least one per user (${options.users})`, `${options.ratings}`);
  }
  if (options.ratings > pairs) {
    throw badInput('DATA', 'synthetic ratings', `at most users × items (${pairs})`, `${options.ratings}`);
  }
  return options;
};

/** `synthetic:users=1000,items=500,noise=0.3` → options. @throws MetafleetError DATA for an unknown or repeated key or a non-number. */
export const parseSynthetic = (source: string): SyntheticOptions => {
  const given: Partial<Record<keyof SyntheticOptions, number>> = {};
  const text = source.slice(SYNTHETIC.length);
  for (const pair of text === '' ? [] : text.split(',')) {
    const [key = '', value = '', ...more] = pair.split('=').map((side) => side.trim());
    if (!isKey(key)) throw badInput('DATA', source, `keys among ${Object.keys(RANGES).join(', ')}`, JSON.stringify(key));
    if (given[key] !== undefined) throw badInput('DATA', source, `one ${key}`, 'two');
    if (more.length > 0 || value === '' || Number.isNaN(Number(value))) {
      throw badInput('DATA', source, `${key}=<number>`, JSON.stringify(pair));
    }
    given[key] = Number(value);
  }
  return syntheticOptions(given);
};

import type { FedAvgOptions } from '../../algorithms/fedavg/options.js';
import { localRatesOf } from '../../algorithms/fedavg/options.js';
import { type MetaMFOptions, middleRating } from '../../algorithms/metamf/options.js';
import type { Algorithm } from '../../algorithms/port/algorithm.js';
import type { Dataset } from '../../data/dataset.js';
import { invertBySearch } from './invert-any.js';
import { invertDot } from './invert-dot.js';
import { invertMetaMF } from './invert-metamf.js';
import { type AttackRow, proportion } from './measure.js';
import type { Attacked, Observation } from './observation.js';
import { type Offset, type Prior, ratingsAt, type Shifted } from './offset.js';

/** Values of the scale, with one record of each added. So no value is impossible. null: ratings have no steps, or there is one value. */
export const priorOf = ({ scale: { lowest, highest, step }, parts: { train } }: Dataset): Prior | null => {
  if (!(step > 0) || highest <= lowest) return null;
  const values = Float64Array.from({ length: Math.round((highest - lowest) / step) + 1 }, (_, index) => lowest + index * step);
  const counts = new Float64Array(values.length).fill(1);
  for (const value of train.values) counts[Math.round((value - lowest) / step)]! += 1;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return { values, shares: counts.map((count) => count / total) };
};

/** How ratings are read from one update. `values`: by item; NaN where nothing was found. */
export type Inverter = { readonly method: string; invert(seen: Observation, items: Uint32Array, ratings: number | 'all'): Float64Array };

export type InverterSetup = {
  readonly algorithm: Algorithm;
  readonly options: unknown;
  readonly world: Parameters<typeof middleRating>[0];
  readonly prior: Prior;
  /** Standard deviation of the noise in each number of an update. */
  readonly noise: number;
  readonly round: number;
};

/** c_u = μ₀ + Σ (r − μ₀) / (n + damping), so that Σ (r − c_u) = damping · (c_u − μ₀): all ratings together give the number they are shifted by. */
const centreFrom = ({ values }: Shifted, middle: number, damping: number): number =>
  middle + values.reduce((sum, value) => sum + value, 0) / damping;

const ofMetaMF = ({ options, world, prior, noise }: InverterSetup): Inverter => {
  const { lowRank: s, itemEmbedding: d, units: f, itemOffset, centring, centringDamping } = options as MetaMFOptions;
  const shape = { s, d, f, hasOffset: itemOffset === 'first-column' };
  return {
    method: 'inverted gradient',
    invert: (seen, items, ratings) => {
      const shifted = invertMetaMF(seen, items, shape, noise);
      const exact = ratings === 'all' && centringDamping > 0 && noise === 0;
      const offset: Offset = {
        known: centring === 'none' ? 0 : exact ? centreFrom(shifted, middleRating(world), centringDamping) : null,
        about: null,
      };
      return ratingsAt(shifted, prior, offset);
    },
  };
};

const ofDot = ({ options, prior, noise }: InverterSetup): Inverter => {
  const fedavg = options as FedAvgOptions;
  const { items: rate, own: ownRate } = localRatesOf(fedavg);
  const shape = { d: fedavg.itemEmbedding, rate, ownRate, decay: fedavg.itemDecay, localBatch: fedavg.localBatch };
  const offset: Offset = { known: null, about: fedavg.centring === 'none' ? 0 : null };
  return { method: 'inverted steps', invert: (seen, items) => ratingsAt(invertDot(seen, items, shape, noise), prior, offset) };
};

const bySearch = ({ algorithm, prior, round }: InverterSetup): Inverter => ({
  method: 'nearest simulated update',
  invert: (seen, items) => invertBySearch(seen, algorithm, items, prior, round) ?? new Float64Array(items.length).fill(Number.NaN),
});

const isOnePass = ({ model, localEpochs, proximal, controlVariates }: FedAvgOptions): boolean =>
  model === 'dot' && localEpochs === 1 && proximal === 0 && !controlVariates;

/** By arithmetic where the algorithm allows it, else by search. */
export const createInverter = (setup: InverterSetup): Inverter => {
  const { algorithm, options } = setup;
  if (algorithm.name === 'metamf') return ofMetaMF(setup);
  return algorithm.name === 'fedavg' && isOnePass(options as FedAvgOptions) ? ofDot(setup) : bySearch(setup);
};

/** How recovered ratings are counted: exact ones among all of the batches, against the share of the commonest rating there. */
export const createRatingTally = (about: { readonly setting: string; readonly method: string }) => {
  const given = new Map<number, number>();
  let [hits, trials] = [0, 0];
  return {
    add: ({ truth: { batch } }: Attacked, items: Uint32Array, found: Float64Array): void => {
      const guesses = new Map(Array.from(items, (item, index) => [item, Math.fround(found[index]!)]));
      batch.items.forEach((item, index) => {
        const value = batch.values[index]!;
        given.set(value, (given.get(value) ?? 0) + 1);
        trials += 1;
        if (guesses.get(item) === value) hits += 1;
      });
    },
    end: (): AttackRow => {
      const chance = trials === 0 ? null : Math.max(...given.values()) / trials;
      return proportion({ attack: 'ratings', ...about, measure: 'exact' }, { hits, trials, chance });
    },
  };
};

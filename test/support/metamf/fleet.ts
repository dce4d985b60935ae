import type { MetaMFOptions } from '../../../src/algorithms/metamf/options.js';
import type { MetaMFServer } from '../../../src/algorithms/metamf/server.js';
import type { Algorithm } from '../../../src/algorithms/port/algorithm.js';
import type { Interactions, LocalModel, Rows } from '../../../src/algorithms/port/client.js';
import type { World } from '../../../src/algorithms/port/definition.js';
import type { ClientUpdate, ServerHalf } from '../../../src/algorithms/port/server.js';
import { type AlgorithmSetup, createAlgorithm } from '../../../src/algorithms/registry.js';
import { distinct, type Random, random } from '../../../src/base/random.js';
import { type DeviceId, deviceId } from '../../../src/base/units.js';
import type { OptimizerSetup } from '../../../src/tensor/optimizers/setup.js';
import { type DeviceBatch, thetaShapes } from './reference-model.js';
import { type Theta, writeWeights } from './theta.js';

/** Sizes that no kernel likes: odd everywhere, s padded, 37 items in 8 shards of unequal size. */
export const ODD: MetaMFOptions = {
  variant: 'full',
  userEmbedding: 3,
  collaborative: 5,
  hidden: 7,
  lowRank: 3,
  itemEmbedding: 5,
  units: 3,
  userInit: 1,
  dropout: 0,
  centring: 'none',
  centringDamping: 0,
  itemOffset: 'none',
};
/** Whole vectors, no padding. */
export const EVEN: MetaMFOptions = { ...ODD, userEmbedding: 4, collaborative: 8, hidden: 16, lowRank: 8, itemEmbedding: 6, units: 2 };
/** More than one vector with padding, and a single number at the end. */
export const NARROW: MetaMFOptions = { ...ODD, hidden: 9, lowRank: 6, itemEmbedding: 1, units: 4 };

/** What the product adds to the paper's model. */
export const ADDITIONS = { centring: 'device-mean', centringDamping: 1.5, itemOffset: 'first-column' } as const;

export const WORLD: World = { devices: 9, items: 37, lowest: 1, highest: 5 };
/** Fewer items than shards there might be. */
export const TINY_WORLD: World = { devices: 4, items: 3, lowest: 0, highest: 1 };

/** MetaMF's devices keep nothing between rounds. */
export const NO_STATE = new Float32Array(0);

export const VARIANTS = ['full', 'si', 'sm'] as const;

export const PLAIN_ADAM: OptimizerSetup = {
  kind: 'adam',
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  momentum: 0.9,
  nesterov: false,
  decoupled: false,
  clip: 0,
  decay: 0,
  decayOf: {},
  tensorMoments: [],
  rowMoments: [],
  popularity: 0,
  lazy: [],
};

export const metamf = (world: World, options: MetaMFOptions, optimizer: Partial<OptimizerSetup> = {}): Algorithm => {
  const setup: AlgorithmSetup = { name: 'metamf', options, optimizer: { ...PLAIN_ADAM, ...optimizer } };
  return createAlgorithm(setup, world);
};

/** Every entry of Θ random, biases too, which start at zero and would hide an error in what multiplies them. */
const randomTheta = (world: World, options: MetaMFOptions, seed: number): Theta =>
  Object.fromEntries(
    Object.entries(thetaShapes(world, options)).map(([name, shape]) => {
      const count = shape.reduce((product, size) => product * size, 1);
      // Weights by their fan-in: what they make stays of the size of what they are given.
      const deviation = name === 'U' ? 1 : name.endsWith('.bias') ? 0.5 : 1 / Math.sqrt(shape.at(-2)!);
      const { normal } = random(seed, 'theta', name);
      return [name, Float32Array.from({ length: count }, () => deviation * normal())];
    }),
  );

export type Trained = { readonly algorithm: Algorithm; readonly server: MetaMFServer; readonly theta: Theta };

/** Has a server half take devices that say nothing of themselves. */
export const prepareFor = (server: ServerHalf, cohort: readonly DeviceId[], round: number | null): void =>
  server.prepare(
    cohort.map((device) => ({ device })),
    round,
  );

/** A server half with random Θ. */
export const randomServer = async (
  world: World,
  options: MetaMFOptions,
  optimizer: Partial<OptimizerSetup> = {},
  threads = 1,
): Promise<Trained> => {
  const algorithm = metamf(world, options, optimizer);
  const server = (await algorithm.createServer({ seed: 1, threads })) as MetaMFServer;
  const theta = randomTheta(world, options, 2);
  writeWeights(server.parameters, options, theta);
  return { algorithm, server, theta };
};

/** `count` distinct items in random order, and ratings. */
export const randomRatings = ({ items, lowest, highest }: World, count: number, source: Random): Interactions => ({
  items: distinct(count, items, source),
  values: Float32Array.from({ length: Math.min(count, items) }, () => lowest + (highest - lowest) * source.uniform()),
});

/** Ratings of a cohort, of unequal numbers; one more than the batch to learn from. */
export const randomBatches = (world: World, devices: readonly number[], seed: number): DeviceBatch[] =>
  devices.map((device) => {
    const source = random(seed, 'ratings', device);
    const train = randomRatings(world, 4 + source.integer(16), source);
    return { device, train, batch: { items: train.items.slice(1), values: train.values.slice(1) } };
  });

export const joined = (pieces: readonly Float32Array[]): Float32Array => Float32Array.from(pieces.flatMap((piece) => Array.from(piece)));

/** What devices receive: copies, since the server half reuses its buffers. */
export const localModels = (server: ServerHalf, first: number, rows: readonly Rows[]): LocalModel[] =>
  server
    .generate(first, rows)()
    .map((model, index) => ({ rows: rows[index]!, tensors: model.map(joined) }));

const ascending = (items: Uint32Array): Uint32Array => items.slice().sort();

export type Exchange = { readonly updates: readonly ClientUpdate[]; readonly loss: number };

/** Everything of a round but sampling and the step: models for a cohort, and the client half's answers. */
export const exchange = (
  { algorithm, server }: Pick<Trained, 'algorithm' | 'server'>,
  batches: readonly DeviceBatch[],
  delivery: 'full' | 'subset' = 'full',
): Exchange => {
  prepareFor(
    server,
    batches.map(({ device }) => deviceId(device)),
    1,
  );
  const models = localModels(
    server,
    0,
    batches.map(({ batch }) => (delivery === 'full' ? null : ascending(batch.items))),
  );
  const answers = batches.map(({ device, train, batch }, index) => ({
    device: deviceId(device),
    ...algorithm.client().update(models[index]!, { train }, batch, random(3, device), NO_STATE),
  }));
  return { updates: answers, loss: answers.reduce((sum, { loss }) => sum + loss, 0) };
};

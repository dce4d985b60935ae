import { type MetaMFOptions, metamfOptions } from '../../../src/algorithms/metamf/options.js';
import type { Algorithm } from '../../../src/algorithms/port/algorithm.js';
import type { World } from '../../../src/algorithms/port/definition.js';
import { type AlgorithmSetup, createAlgorithm } from '../../../src/algorithms/registry.js';
import { random } from '../../../src/base/random.js';
import type { Column, PrivateColumns } from '../../../src/device/actor/columns.js';
import type { MeasureOptions } from '../../../src/device/actor/measure.js';
import type { PartScore } from '../../../src/messages/message.js';
import { configSchema } from '../../../src/runs/config/config.js';
import { splitOptimizer } from '../../../src/runs/trainer/plan.js';

/** A fleet small enough to follow: real MetaMF of tiny sizes, and private columns whose every rating the caller gives. */
export const WORLD: World = { devices: 12, items: 40, lowest: 0.5, highest: 5 };

const SIZES = { userEmbedding: 3, collaborative: 5, hidden: 6, lowRank: 3, itemEmbedding: 4, units: 2 } as const;

export const setupOf = (metamf: Partial<MetaMFOptions> = {}): AlgorithmSetup => {
  const { optimizer } = configSchema().parse({});
  return {
    name: 'metamf',
    options: { ...metamfOptions.parse({}), ...SIZES, ...metamf },
    optimizer: splitOptimizer(optimizer, 1, 80_000).optimizer,
  };
};

export const algorithmOf = (metamf: Partial<MetaMFOptions> = {}, world: World = WORLD): Algorithm =>
  createAlgorithm(setupOf(metamf), world);

/** What a device of the world measures, unless a test says otherwise: sums [n, Σ|e|, n, Σe²]. */
export const MEASURED: MeasureOptions = { seed: 1, items: WORLD.items, metrics: ['mae', 'mse'], candidates: 'all', relevant: 'all' };

export const partScore = (count: number, absolute: number, squared: number): PartScore => ({
  count,
  sums: [count, absolute, count, squared],
});

type Ratings = readonly (readonly [item: number, value: number])[];

export const columnOf = (devices: readonly Ratings[]): Column => {
  const count = devices.reduce((sum, { length }) => sum + length, 0);
  const column: Column = {
    offsets: new Uint32Array(new SharedArrayBuffer(4 * (devices.length + 1))),
    items: new Uint32Array(new SharedArrayBuffer(4 * count)),
    values: new Float32Array(new SharedArrayBuffer(4 * count)),
  };
  let at = 0;
  devices.forEach((ratings, device) => {
    for (const [item, value] of ratings) {
      column.items[at] = item;
      column.values[at] = value;
      at += 1;
    }
    column.offsets[device + 1] = at;
  });
  return column;
};

export const columnsOf = (
  firstDevice: number,
  train: readonly Ratings[],
  valid: readonly Ratings[] = train.map(() => []),
  test: readonly Ratings[] = train.map(() => []),
): PrivateColumns => ({ firstDevice, devices: train.length, train: columnOf(train), valid: columnOf(valid), test: columnOf(test) });

/** Ratings of every device of the world in half stars: items 7·i + device, so that neighbours overlap and none has the same. */
export const allColumns = (world: World = WORLD): PrivateColumns => {
  const part = (name: string, first: number, count: (device: number) => number) =>
    Array.from({ length: world.devices }, (_, device) =>
      Array.from({ length: count(device) }, (_, i): [number, number] => {
        const item = (7 * (first + i) + device) % world.items;
        return [item, 0.5 + 0.5 * random(3, name, device, i).integer(10)];
      }),
    );
  return columnsOf(
    0,
    part('train', 0, (device) => 3 + (device % 5)),
    part('valid', 8, () => 2),
    part('test', 10, () => 2),
  );
};

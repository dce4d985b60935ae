import { describe, expect, it } from 'vitest';
import type { Work } from '../../../src/algorithms/maml/client.js';
import { type MamlOptions, VARIANTS } from '../../../src/algorithms/maml/options.js';
import type { Interactions } from '../../../src/algorithms/port/client.js';
import { random } from '../../../src/base/random.js';
import { operationsOf, scoresOf } from '../../support/algorithms/client-half.js';
import { gradientOf, play } from '../../support/maml/client.js';
import { adapted, descended, lossOf, maml, OPTIONS, predicted, randomLocal, slopes, WORLD, withRows } from '../../support/maml/model.js';
import { expectClose } from '../../support/tensors/closeness.js';

const STATE = new Float32Array(0);
const TOLERANCE = 1e-6;

const pairsOf = ({ items, values }: Interactions): string[] => Array.from(items, (item, at) => `${item} ${values[at]}`);
const optionsOf = (variant: MamlOptions['variant']): MamlOptions => ({ ...OPTIONS, variant });

describe('the support and query sets of a round', () => {
  it('are all records of the batch, dealt by the share', () => {
    for (const [count, share, size] of [
      [10, 0.8, 8],
      [10, 0.25, 3],
      [2, 0.9, 1],
      [3, 0.01, 1],
      [1, 0.8, 0],
    ] as const) {
      const local = randomLocal(OPTIONS, count, 1);
      const { support, query } = play({ support: share }, local).work;
      expect([support.items.length, query.items.length]).toEqual([size, count - size]);
      expect([...pairsOf(support), ...pairsOf(query)].sort()).toEqual(pairsOf(local.ratings).sort());
    }
  });

  it('follow from the stream of the plan alone', () => {
    const local = randomLocal(OPTIONS, 12, 1);
    expect(play({}, local, 7)).toEqual(play({}, local, 7));
    expect(play({}, local, 7).work).not.toEqual(play({}, local, 8).work);
  });

  it('are the same records for Reptile', () => {
    const local = randomLocal(OPTIONS, 12, 1);
    const { support, query } = play({ variant: 'reptile' }, local).work;
    expect([support, query]).toEqual([local.ratings, local.ratings]);
  });
});

describe('an update', () => {
  it('has the rows of the query set alone, and of second order and for Reptile of all records', () => {
    for (const variant of VARIANTS) {
      const local = randomLocal(optionsOf(variant), 12, 2);
      const { work, update } = play({ variant }, local);
      const all = variant === 'second-order' || variant === 'reptile';
      const { items } = all ? local.ratings : work.query;
      expect(update.rows, variant).toEqual(items.slice().sort());
      expect(update.count).toBe(work.query.items.length);
      expect(update.state).toBeUndefined();
    }
  });

  it('says the squared errors of the query set after the adaptation', () => {
    const local = randomLocal(OPTIONS, 12, 3);
    const { work, update } = play({}, local);
    const { numbers } = adapted(local.numbers, work.support, OPTIONS.innerSteps);
    expect(update.loss / (lossOf(numbers, work.query) * update.count)).toBeCloseTo(1, 6);
  });

  it('of a single record is its gradient at the start', () => {
    for (const variant of ['first-order', 'second-order', 'meta-sgd'] as const) {
      const options = { ...optionsOf(variant), decay: 0 };
      const local = randomLocal(options, 1, 4);
      const { update } = play(options, local);
      const slope = slopes(local.numbers, 'start', (moved) => lossOf(moved, local.ratings));
      expectClose(gradientOf(update, local.numbers, 'start'), slope, TOLERANCE);
      if (variant === 'meta-sgd') expect(Math.max(...gradientOf(update, local.numbers, 'rates').map(Math.abs))).toBe(0);
    }
  });

  it('has equal bits with all rows and with a subset of them', () => {
    for (const variant of VARIANTS) {
      const local = randomLocal(optionsOf(variant), 8, 6);
      for (const decoys of [[], [0, 18, 7, 3]]) {
        const rows = Uint32Array.from(new Set([...local.ratings.items, ...decoys])).sort();
        const subset = { ...local, model: withRows(local.model, rows, OPTIONS.dimension) };
        expect(play({ variant }, subset)).toEqual(play({ variant }, local));
      }
    }
  });
});

describe('scores', () => {
  const candidates = Uint32Array.from({ length: WORLD.items }, (_, item) => item);

  it('are those after the adaptation to all training records', () => {
    for (const variant of VARIANTS) {
      const local = randomLocal(optionsOf(variant), 9, 5);
      const { innerRate, innerSteps } = OPTIONS;
      const numbers =
        variant === 'reptile'
          ? descended(local.numbers, local.ratings, innerRate, innerSteps)
          : adapted(local.numbers, local.ratings, innerSteps).numbers;
      const scores = scoresOf(maml({ variant }), local.model, { train: local.ratings }, candidates, STATE);
      expectClose(
        scores,
        Array.from(candidates, (item) => predicted(numbers, item)),
        TOLERANCE,
        variant,
      );
    }
  });

  it('of a device without records are those of the start', () => {
    const local = randomLocal(OPTIONS, 9, 5);
    const train = { items: new Uint32Array(0), values: new Float32Array(0) };
    const scores = scoresOf(maml(), local.model, { train }, candidates, STATE);
    expectClose(
      scores,
      Array.from(candidates, (item) => predicted(local.numbers, item)),
      TOLERANCE,
    );
  });

  it('need the rows of training items and of candidates, and no others', () => {
    const { ratings, model } = randomLocal(OPTIONS, 5, 7);
    const some = Uint32Array.of(18, 0, 18);
    const client = maml().client();
    const own = { train: ratings };
    const { rows, work } = client.plan(own, { purpose: 'evaluate', round: 3, candidates: some }, random(1), STATE);
    expect(new Set(rows)).toEqual(new Set([...ratings.items, 0, 18]));
    const needed = Uint32Array.from(new Set(rows!)).sort();
    const found = client.score(withRows(model, needed, OPTIONS.dimension), own, work as Work, STATE);
    expect(found).toEqual(client.score(model, own, work as Work, STATE));
  });
});

it('counts operations by inner steps and records: most of second order', () => {
  const of = (over: Partial<MamlOptions>, count: number) => operationsOf(maml(over), count, STATE);
  expect(of({ innerSteps: 4 }, 10) - of({ innerSteps: 2 }, 10)).toBe(2 * (of({ innerSteps: 2 }, 10) - of({ innerSteps: 1 }, 10)));
  expect(of({}, 100)).toBeCloseTo(10 * of({}, 10), 6);
  expect(of({ variant: 'second-order' }, 10)).toBeGreaterThan(2 * of({}, 10));
});

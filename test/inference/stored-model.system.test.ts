import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ratingsIn } from '../../src/inference/recommend.js';
import { openStoredModel, type StoredModel } from '../../src/inference/stored-model.js';
import { SIZES, train, writeRatings } from '../support/inference/trained.js';

const cwd = mkdtempSync(join(tmpdir(), 'metafleet-inference-'));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

/** An item bias, as a module that users bring: no private state, the same model for all. */
const MODULE = `
import { addMeans, distinctRows, serveSharedModel, z } from 'metafleet/algorithm';
const wire = { down: [{ name: 'biases', perRow: true, shape: [1] }], up: [{ name: 'biases', perRow: true, shape: [1] }] };
export const algorithm = {
  name: 'mine', version: '1', options: z.strictObject({}),
  traits: { feedback: 'explicit', aggregation: 'sum', coldUsers: false, features: [], reads: [] },
  wire: () => wire,
  client: () => ({
    plan: (_own, task) => {
      const items = task.purpose === 'train' ? task.batch.items : task.candidates;
      return { rows: null, work: task.purpose === 'train' ? task.batch : { items } };
    },
    update: (model, _own, { items, values }) => {
      const rows = distinctRows(items);
      const step = new Float32Array(rows.length);
      items.forEach((item, at) => { step[rows.indexOf(item)] = 0.5 * (values[at] - 3 - model.tensors[0][item]); });
      return { count: items.length, loss: 1, rows, tensors: [step] };
    },
    score: (model, _own, { items }) => Float32Array.from(items, (item) => 3 + model.tensors[0][item]),
  }),
  server: (world, _options, runtime) => {
    const tensors = runtime.createTensors([{ name: 'biases', shape: [world.items, 1] }]);
    return serveSharedModel({ wire, world, tensors, step: (sum) => addMeans(wire, tensors, sum) });
  },
};
`;

const opened = async <T>(name: string, use: (model: StoredModel) => T | Promise<T>, data = join(cwd, 'ratings.csv')): Promise<T> => {
  const notes: string[] = [];
  const model = await openStoredModel(join(cwd, 'results', name), { data, note: (text) => notes.push(text) });
  try {
    expect(notes).toEqual([]);
    return await use(model);
  } finally {
    await model.recommender.close();
  }
};

/** MSE over a part, from predictions. */
const errorOf = ({ dataset, recommender }: StoredModel, part: 'valid' | 'test'): number => {
  let [sum, count, user] = [0, 0, 0];
  for (const model of recommender.models(Array.from({ length: dataset.users }, (_, dense) => dense))) {
    const { items, values } = ratingsIn(dataset, user++, [part]);
    for (const [at, value] of model.predict(items).entries()) sum += (value - values[at]!) ** 2;
    count += items.length;
  }
  return sum / count;
};

beforeAll(async () => {
  writeRatings(cwd);
  writeFileSync(join(cwd, 'mine.mjs'), MODULE);
  const { mkdirSync, symlinkSync } = await import('node:fs');
  mkdirSync(join(cwd, 'node_modules'));
  symlinkSync(join(import.meta.dirname, '../..'), join(cwd, 'node_modules/metafleet'));
  await train(cwd, 'metamf', ...SIZES.metamf);
  await train(cwd, 'fedavg', ...SIZES.fedavg, '--dtype', 'f16');
  await train(cwd, 'small', ...SIZES.fedavg, '--updates', 'top-k,quantize');
  await train(cwd, 'maml', ...SIZES.maml);
  await train(cwd, 'mine', '--algorithm', join(cwd, 'mine.mjs'));
}, 120_000);

describe('openStoredModel', () => {
  it.each(['metamf', 'fedavg', 'small', 'maml'])('predicts with the bits that devices of %s measured with', async (name) => {
    await opened(name, (model) => {
      expect(model.checkpoint).toBe('best.checkpoint');
      const { valid, test } = model.summary!;
      expect(errorOf(model, 'valid')).toBeCloseTo(valid.best!['mse']!, 10);
      expect(errorOf(model, 'test')).toBeCloseTo(test.best!['mse']!, 10);
    });
  });

  it('refuses data that are not those of the run, and says where to name the right ones', async () => {
    const other = join(cwd, 'other.csv');
    const text = readFileSync(join(cwd, 'ratings.csv'), 'utf8');
    writeFileSync(other, text.replace(/,5\n/, ',4\n'));
    await expect(opened('metamf', () => 0, other)).rejects.toThrow(
      /other\.csv: expected the ratings that the run was trained on \(digest [0-9a-f]{16}…\), found others \(digest [0-9a-f]{16}…\)$/,
    );
    writeFileSync(other, text.replace(/.*\n$/, ''));
    await expect(opened('metamf', () => 0, other)).rejects.toThrow(
      /other\.csv: expected the ratings that the run was trained on \(24 users/,
    );
    await expect(opened('metamf', () => 0, join(cwd, 'gone.csv'))).rejects.toThrow(
      /^data of the run: .*gone\.csv \(where they lie now: --data\)$/,
    );
  });

  it('says in one line what is missing', async () => {
    await expect(openStoredModel(join(cwd, 'nowhere'))).rejects.toThrow(
      /nowhere: expected the folder of a run, found no config\.yaml in it$/,
    );
    rmSync(join(cwd, 'results/mine/best.checkpoint'));
    await opened('mine', ({ checkpoint }) => expect(checkpoint).toBe('last.checkpoint'));
    rmSync(join(cwd, 'results/mine/last.checkpoint'));
    await expect(opened('mine', () => 0)).rejects.toThrow(
      /mine: expected a run with a checkpoint, found neither best\.checkpoint nor last\.checkpoint$/,
    );
  });
});

describe('a new user', () => {
  /** The second taste: items with odd numbers are good. */
  const ratings = { items: Uint32Array.of(0, 1, 2, 3, 5), values: Float32Array.of(1, 5, 1, 5, 5) };

  it.each(['metamf', 'fedavg', 'small', 'maml'])(
    'gets predictions of %s at the level of its ratings, and changes no parameter',
    async (name) => {
      await opened(name, ({ recommender, dataset }) => {
        const before = recommender.digest();
        const all = Uint32Array.from({ length: dataset.items }, (_, item) => item);
        const high = recommender.newUser({ ...ratings, values: ratings.values.map(() => 5) }).predict(all);
        const low = recommender.newUser({ ...ratings, values: ratings.values.map(() => 1) }).predict(all);
        expect(high.every((value, item) => Number.isFinite(value) && value > low[item]!)).toBe(true);
        // Another user in between changes nothing.
        expect(recommender.newUser({ ...ratings, values: ratings.values.map(() => 5) }).predict(all)).toEqual(high);
        expect(recommender.digest()).toBe(before);
      });
    },
  );

  it('says how it gets its model', async () => {
    expect(await opened('metamf', ({ recommender }) => recommender.newUsers)).toMatch(/^the models of the trained users/);
    expect(await opened('fedavg', ({ recommender }) => recommender.newUsers)).toMatch(/^the shared model, with a private part/);
  });
});

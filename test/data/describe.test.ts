import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeDataset } from '../../src/data/describe.js';
import { folderOf, load } from '../support/data/data-files.js';

it('a description counts what is there', async () => {
  const folder = await folderOf({
    'ciao/train.tsv': '0\t0\t5\n0\t1\t3\n1\t0\t4\n2\t0\t4\n',
    'ciao/valid.tsv': '0\t2\t2\n',
    'ciao/test.tsv': '1\t3\t1\n',
  });
  const description = describeDataset(await load(join(folder, 'ciao')));
  expect(description).toMatchObject({
    name: 'ciao',
    users: 3,
    items: 4,
    ratings: 6,
    sparsity: 0.5,
    sizes: { train: 4, valid: 1, test: 1 },
    perUser: { min: 1, median: 2, mean: 2, max: 3 },
    perItem: { min: 1, median: 1, mean: 1.5, max: 3 },
    itemsWithoutTrain: 2,
    scale: { lowest: 1, highest: 5, step: 1 },
    histogram: [
      { from: 1, to: 1, count: 1 },
      { from: 2, to: 2, count: 1 },
      { from: 3, to: 3, count: 1 },
      { from: 4, to: 4, count: 2 },
      { from: 5, to: 5, count: 1 },
    ],
  });
  expect(description.meanRating).toBeCloseTo(19 / 6, 9);
  expect(description.licence).toContain('states no terms');
});

it('continuous ratings are described in ten ranges that cover all of them', async () => {
  const description = describeDataset(await load('synthetic:users=200,items=100'));
  expect(description.histogram).toHaveLength(10);
  expect(description.histogram.reduce((sum, { count }) => sum + count, 0)).toBe(4000);
  expect(description.histogram[0]!.from).toBe(description.scale.lowest);
  expect(description.histogram[9]!.to).toBeCloseTo(description.scale.highest, 9);
  expect(description.bestMse).toBeGreaterThan(0);
  expect(description).not.toHaveProperty('licence');
});

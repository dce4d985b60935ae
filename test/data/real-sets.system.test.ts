import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { describeDataset } from '../../src/data/describe.js';
import { partSizes } from '../../src/data/splits/split.js';
import { load, sharedData, sizes } from '../support/data/data-files.js';

const pathOf = (ctx: TestContext, name: string): string => sharedData(name) ?? ctx.skip(`shared/data/${name} is not beside this project`);

const sameIds = (ids: readonly string[] | undefined): boolean => ids?.every((id, dense) => id === `${dense}`) === true;

// The counts are those of the README next to each set.
describe('real sets', () => {
  it('ml-1m comes with MetaMF’s split and its own ids', async (ctx) => {
    const dataset = await load(pathOf(ctx, 'ml-1m'));
    expect(dataset).toMatchObject({ name: 'ml-1m', users: 6_040, items: 3_706, scale: { lowest: 1, highest: 5, step: 1 } });
    expect(sizes(dataset)).toEqual([797_758, 99_692, 102_759]);
    expect([sameIds(dataset.userIds), sameIds(dataset.itemIds)]).toEqual([true, true]);
    const { itemsWithoutTrain, histogram } = describeDataset(dataset);
    expect(itemsWithoutTrain).toBe(33);
    expect(histogram.map(({ count }) => count)).toEqual([56_174, 107_557, 261_197, 348_971, 226_310]);
    const { items, values, offsets } = dataset.parts.train;
    expect([items[0], values[0], items[1], values[1], offsets[0]]).toEqual([1104, 5, 639, 3, 0]);
  });

  it('ciao counts the 15,007 items that occur in valid and test only', async (ctx) => {
    const dataset = await load(pathOf(ctx, 'ciao'));
    expect(dataset).toMatchObject({ name: 'ciao', users: 7_375, items: 105_096, scale: { lowest: 1, highest: 5, step: 1 } });
    expect(sizes(dataset)).toEqual([223_006, 28_240, 31_373]);
    expect([sameIds(dataset.userIds), sameIds(dataset.itemIds)]).toEqual([true, true]);
    expect(describeDataset(dataset).itemsWithoutTrain).toBe(15_007);
  });

  it('ml-1m and ciao obey the rule by which random splits are cut', async (ctx) => {
    for (const name of ['ml-1m', 'ciao']) {
      const { users, parts } = await load(pathOf(ctx, name));
      const count = (part: 'train' | 'valid' | 'test', user: number) => parts[part].offsets[user + 1]! - parts[part].offsets[user]!;
      let violations = 0;
      for (let user = 0; user < users; user++) {
        const given = [count('train', user), count('valid', user), count('test', user)];
        if (`${given}` !== `${partSizes(given[0]! + given[1]! + given[2]!)}`) violations++;
      }
      expect(violations).toBe(0);
    }
  });

  it('ml-100k is its ratings.tsv, not its folds', async (ctx) => {
    const dataset = await load(pathOf(ctx, 'ml-100k'));
    expect(dataset).toMatchObject({ users: 943, items: 1_682, scale: { lowest: 1, highest: 5, step: 1 } });
    expect(sizes(dataset).reduce((a, b) => a + b)).toBe(100_000);
    expect(describeDataset(dataset).histogram.map(({ count }) => count)).toEqual([6_110, 11_370, 27_145, 34_174, 21_201]);
  });

  it('book-crossing loads from its file of explicit ratings', async (ctx) => {
    const dataset = await load(join(pathOf(ctx, 'book-crossing'), 'explicit.tsv'));
    expect(dataset).toMatchObject({ users: 77_805, items: 185_968, scale: { lowest: 1, highest: 10, step: 1 } });
    expect(sizes(dataset).reduce((a, b) => a + b)).toBe(433_668);
  });

  it('the partial Douban and Hetrec-ML sets are pooled for a random split', async (ctx) => {
    const douban = await load(pathOf(ctx, 'douban-metamf-20pct'), { split: 'random' });
    expect([douban.users, douban.items, sizes(douban).reduce((a, b) => a + b)]).toEqual([2_509, 22_219, 179_739]);
    const hetrec = await load(pathOf(ctx, 'hetrec-ml-metamf-20pct'), { split: 'random' });
    expect([hetrec.users, hetrec.items, sizes(hetrec).reduce((a, b) => a + b)]).toEqual([2_113, 8_527, 171_967]);
    expect(hetrec.scale).toEqual({ lowest: 0.5, highest: 5, step: 0.5 });
  });
});

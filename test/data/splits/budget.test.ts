import { describe, expect, it } from 'vitest';
import { load, messageFrom, sizes, triples } from '../../support/data/data-files.js';

const SOURCE = 'synthetic:users=40,items=60,ratings=1200';

describe('a data budget', () => {
  it('keeps its share of each user’s training ratings, at least one, and all held-out ones', async () => {
    const whole = await load(SOURCE);
    for (const budget of [0.5, 0.1, 0.001]) {
      const some = await load(SOURCE, { budget });
      for (let user = 0; user < whole.users; user++) {
        const count = ({ parts: { train } }: typeof whole) => train.offsets[user + 1]! - train.offsets[user]!;
        expect(count(some)).toBe(Math.max(1, Math.round(budget * count(whole))));
      }
      expect(some.parts.train.items).toHaveLength(some.parts.train.offsets[whole.users]!);
      for (const part of ['valid', 'test'] as const) expect(triples(some, part)).toEqual(triples(whole, part));
    }
  });

  it('keeps ratings as they were and in their order, a smaller one some of a larger one’s', async () => {
    const texts = async (budget: number) => triples(await load(SOURCE, { budget }), 'train').map(String);
    const [all, half, few] = [await texts(1), await texts(0.5), await texts(0.2)];
    const isIn = (some: string[], more: string[]) => more.filter((each) => some.includes(each)).join('|') === some.join('|');
    expect(isIn(half, all)).toBe(true);
    expect(isIn(few, half)).toBe(true);
  });

  it('is the same for the same seed, another for another, and not the first ratings of each', async () => {
    const train = async (seed: number) => {
      const { items } = (await load(SOURCE, { budget: 0.5, seed })).parts.train;
      return items.join();
    };
    expect(await train(1)).toBe(await train(1));
    expect(await train(1)).not.toBe(await train(2));
    const [all, half] = [await load(SOURCE), await load(SOURCE, { budget: 0.5 })];
    const firsts = (set: typeof all) =>
      Array.from({ length: set.users }, (_, user) => set.parts.train.items[set.parts.train.offsets[user]!]);
    expect(firsts(half)).not.toEqual(firsts(all));
  });

  it('of 1 changes nothing, and one out of range is refused', async () => {
    expect(sizes(await load(SOURCE, { budget: 1 }))).toEqual(sizes(await load(SOURCE)));
    for (const budget of [0, -1, 1.5, Number.NaN]) {
      expect(await messageFrom(load(SOURCE, { budget }))).toBe(`budget: expected a share above 0, at most 1, found ${budget}`);
    }
  });
});

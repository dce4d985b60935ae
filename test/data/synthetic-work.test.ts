import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';

const counted = vi.hoisted(() => ({ uniform: 0, normal: 0 }));
vi.mock('../../src/base/random.js', async (original) => {
  const { random, ...rest } = await original<typeof import('../../src/base/random.js')>();
  const counting: typeof random = (...key) => {
    const source = random(...key);
    const uniform = (): number => {
      counted.uniform += 1;
      return source.uniform();
    };
    const normal = (): number => {
      counted.normal += 1;
      return source.normal();
    };
    return { ...source, uniform, normal };
  };
  return { ...rest, random: counting };
});
// Unit tests share modules: those of other files know another `random`, and theirs must not count here.
vi.resetModules();
const { synthesize } = await import('../../src/data/synthetic.js');
const { syntheticOptions } = await import('../../src/data/synthetic-options.js');
afterAll(() => {
  vi.resetModules();
});
beforeEach(() => Object.assign(counted, { uniform: 0, normal: 0 }));

const ofSet = (users: number, items: number, ratings: number) => {
  synthesize(syntheticOptions({ users, items, ratings }), 1);
  return { uniform: counted.uniform / ratings, normal: counted.normal / ratings };
};

describe('the work of a synthetic set', () => {
  it('is a few draws a rating, however many items there are', () => {
    const [users, ratings, rank] = [500, 25_000, 8];
    for (const items of [1000, 10_000]) {
      Object.assign(counted, { uniform: 0, normal: 0 });
      const { uniform, normal } = ofSet(users, items, ratings);
      // One for the item, or two where there are many items, and what popular items cost that are drawn again.
      expect(uniform).toBeGreaterThan(1);
      expect(uniform).toBeLessThan(4);
      // The noise, and for each user and item its factors and bias.
      expect(normal * ratings).toBe(ratings + (users + items) * (rank + 1));
    }
  });
});

import { expect, it } from 'vitest';
import { random } from '../../../src/base/random.js';
import { smallFacts } from '../../../src/conformance/small-ratings.js';
import { createEpochs } from '../../../src/models/port/epoch.js';
import { createNegatives } from '../../../src/models/port/negatives.js';
import { byItem } from '../../../src/models/port/orders.js';

const { train, users, items } = smallFacts();

const triples = (offsets: Uint32Array, ids: Uint32Array, values: Float32Array, turned: boolean): string[] =>
  Array.from({ length: offsets.length - 1 }, (_, row) =>
    Array.from(ids.subarray(offsets[row]!, offsets[row + 1]!), (id, at) => {
      const pair = turned ? [id, row] : [row, id];
      return [...pair, values[offsets[row]! + at]].join();
    }),
  ).flat();

const all = triples(train.offsets, train.items, train.values, false).sort();

it('batches of an epoch have every rating once, in another order in each epoch, and the same when it comes again', () => {
  const ofEpoch = (number: number): string[] => {
    const found: string[] = [];
    for (const { users: who, items: what, values } of createEpochs(1, train)(number).batches(7))
      who.forEach((user, r) => found.push([user, what[r], values[r]].join()));
    return found;
  };
  expect(ofEpoch(1).sort()).toEqual(all);
  expect(ofEpoch(1)).toEqual(ofEpoch(1));
  expect(ofEpoch(2)).not.toEqual(ofEpoch(1));
});

it('users of an epoch are all users once', () => {
  expect([...createEpochs(1, train)(3).users()].sort((a, b) => a - b)).toEqual(Array.from({ length: users }, (_, user) => user));
});

it('columns sorted by item hold the ratings of those sorted by user', () => {
  const turned = byItem(train, items);
  expect(triples(turned.offsets, turned.items, turned.values, true).sort()).toEqual(all);
});

it('negatives are items that the user has not rated, each of them sometimes', () => {
  const draw = createNegatives(train, items);
  const source = random(1, 'test');
  const rated = new Set(train.items.subarray(0, train.offsets[1]!));
  const drawn = new Set(Array.from({ length: 500 }, () => draw(0, source)));
  expect([...drawn].filter((item) => rated.has(item))).toEqual([]);
  expect(drawn.size).toBe(items - rated.size);
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deviceId } from '../../../src/base/units.js';
import { PARTS } from '../../../src/data/dataset.js';
import { ownDataOf } from '../../../src/device/actor/columns.js';
import { shardDataset } from '../../../src/runs/trainer/shards.js';
import { datasetOf } from '../../support/runs/small-dataset.js';

const counts = fc.integer({ min: 1, max: 40 }).chain((users) => {
  const some = (most: number) => fc.array(fc.nat(most), { minLength: users, maxLength: users });
  return fc.tuple(some(30), some(3), some(3));
});
const hostCount = fc.integer({ min: 1, max: 50 });

describe('shards of a dataset', () => {
  it('are contiguous ranges of devices, none empty, as many as there are hosts or devices', () => {
    fc.assert(
      fc.property(counts, hostCount, ([train, valid, test], hosts) => {
        const shards = shardDataset(datasetOf(train, valid, test), hosts);
        expect(shards).toHaveLength(Math.min(hosts, train.length));
        let next = 0;
        for (const { firstDevice, devices } of shards) {
          expect(firstDevice).toBe(next);
          expect(devices).toBeGreaterThan(0);
          next += devices;
        }
        expect(next).toBe(train.length);
      }),
    );
  });

  it('hold every rating of their devices, part by part, in order, and no other', () => {
    fc.assert(
      fc.property(counts, hostCount, ([train, valid, test], hosts) => {
        const dataset = datasetOf(train, valid, test);
        for (const part of PARTS) {
          const { offsets, items, values } = dataset.parts[part];
          const shards = shardDataset(dataset, hosts);
          expect(shards.flatMap((shard) => [...shard[part].items])).toEqual([...items]);
          expect(shards.flatMap((shard) => [...shard[part].values])).toEqual([...values]);
          for (const { firstDevice, devices, [part]: column } of shards) {
            const lengths = Array.from({ length: devices }, (_, i) => column.offsets[i + 1]! - column.offsets[i]!);
            expect(column.offsets[0]).toBe(0);
            expect(column.offsets).toHaveLength(devices + 1);
            expect(lengths).toEqual(Array.from({ length: devices }, (_, i) => offsets[firstDevice + i + 1]! - offsets[firstDevice + i]!));
          }
        }
      }),
    );
  });

  it('hold the features of their own users alone, if the algorithm reads them', () => {
    const offsets = new Uint32Array(new SharedArrayBuffer(16));
    offsets.set([0, 2, 2, 3]);
    const words = new Uint32Array(new SharedArrayBuffer(12));
    words.set([1, 0, 1]);
    const numbers = new Float32Array(new SharedArrayBuffer(24));
    numbers.set([1, 2, 3, 4, 5, 6]);
    const userFeatures = [
      { name: 'tags', kind: 'multi-hot', vocabulary: ['a', 'b'], offsets, values: words },
      { name: 'place', kind: 'dense', width: 2, values: numbers },
    ] as const;
    const dataset = { ...datasetOf([1, 1, 1]), userFeatures };
    expect(shardDataset(dataset, 3).every(({ features }) => features === undefined)).toBe(true);
    const shards = shardDataset(dataset, 3, 0, 'none', 'features');
    const own = shards.map((shard) => ownDataOf(shard, deviceId(shard.firstDevice)).features!.map((values) => [...values]));
    expect(own).toEqual([
      [
        [1, 0],
        [1, 2],
      ],
      [[], [3, 4]],
      [[1], [5, 6]],
    ]);
    expect(shards.map(({ features }) => features!.map(({ values }) => values.length))).toEqual([
      [2, 2],
      [0, 2],
      [1, 2],
    ]);
  });

  it('share no memory with the dataset nor with each other: a host can reach no other’s ratings', () => {
    const dataset = datasetOf([3, 1, 4, 1, 5]);
    const buffers = [...shardDataset(dataset, 3), dataset.parts].flatMap((columns) =>
      PARTS.flatMap((part) => [columns[part].offsets.buffer, columns[part].items.buffer, columns[part].values.buffer]),
    );
    expect(new Set(buffers).size).toBe(buffers.length);
    expect(buffers.every((buffer) => buffer instanceof SharedArrayBuffer)).toBe(true);
  });

  it('have about as many training ratings: no more than an even share and one device, where devices suffice', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 8 }),
        (train, hosts) => {
          const shards = shardDataset(datasetOf(train), hosts);
          const even = train.reduce((sum, count) => sum + count, 0) / shards.length;
          for (const { train: column } of shards) expect(column.items.length).toBeLessThanOrEqual(even + Math.max(...train));
        },
      ),
    );
    const evenly = shardDataset(datasetOf(Array(100).fill(10)), 4);
    expect(evenly.map(({ devices }) => devices)).toEqual([25, 25, 25, 25]);
    const skewed = shardDataset(datasetOf([100, ...Array(100).fill(1)]), 2);
    expect(skewed.map(({ devices }) => devices)).toEqual([1, 100]);
  });
});

import { describe, expect, it } from 'vitest';
import { namesOf } from '../../src/inference/ids.js';
import type { Recommender } from '../../src/inference/model/recommender.js';
import type { StoredModel } from '../../src/inference/stored-model.js';
import { createService } from '../../src/serve/service.js';
import { datasetOf } from '../support/inference/dataset.js';

const dataset = { ...datasetOf(4, [[[0, 5]], [[1, 4]], [[2, 3]]]), userIds: ['ann', 'bob', 'cy'] };
/** User u predicts u + item / 10. */
const serviceOf = (cacheBytes: number) => {
  const asked: (readonly number[])[] = [];
  const recommender: Pick<Recommender, 'models'> = {
    models: (users) => {
      asked.push(users);
      return users.map((user) => ({
        predict: (items: Uint32Array) => Float32Array.from(items, (item) => user + item / 10),
        vectors: () => null,
        tensors: () => null,
      }));
    },
  };
  const model = { dataset, recommender } as unknown as StoredModel;
  return { service: createService(model, namesOf(dataset), cacheBytes), asked };
};

const itemsOf = ({ recommendations }: { recommendations: readonly { item: string }[] }) => recommendations.map(({ item }) => item);

describe('createService', () => {
  it('answers a second request without a model', () => {
    const { service, asked } = serviceOf(1e6);
    expect(itemsOf(service.recommend('bob', { top: 2, reasons: 0 }))).toEqual(['3', '2']);
    expect(itemsOf(service.recommend('bob', { top: 3, reasons: 0 }))).toEqual(['3', '2', '0']);
    expect(service.predict('bob', '2').prediction).toBeCloseTo(1.2);
    expect(asked).toEqual([[1]]);
    expect(service.cache()).toMatchObject({ hits: 2, misses: 1, users: 1 });
  });

  it('takes a model for each request where nothing is kept, or more is asked for than is kept', () => {
    const { service, asked } = serviceOf(0);
    service.recommend('ann', { top: 2, reasons: 0 });
    service.recommend('ann', { top: 60, reasons: 0 });
    expect(asked).toEqual([[0], [0]]);
    expect(service.cache()).toMatchObject({ bytes: 0, users: 0 });
  });

  it('warms with all users if they fit, and with none otherwise', async () => {
    const large = serviceOf(1e6);
    await large.service.warm(() => false);
    expect(large.asked).toEqual([[0, 1, 2]]);
    expect(itemsOf(large.service.recommend('cy', { top: 1, reasons: 0 }))).toEqual(['3']);
    expect(large.service.cache()).toMatchObject({ hits: 1, misses: 0, users: 3 });
    const small = serviceOf(100_000);
    await small.service.warm(() => false);
    expect(small.asked).toEqual([]);
  });

  it('names no other user in an error', () => {
    expect(() => serviceOf(0).service.recommend('dan', { top: 1, reasons: 0 })).toThrow(/^user: expected an id of the data, found "dan"$/);
  });
});

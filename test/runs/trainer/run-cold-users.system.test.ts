import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ALGORITHM } from '../../../src/algorithms/registry.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { installModule } from '../../../src/runs/config/definitions.js';
import { moduleFolder, moduleText, writeModule } from '../../support/cli/module-folder.js';
import { folderOf, load } from '../../support/data/data-files.js';
import { finish } from '../../support/transport/small-run.js';

const USERS = 40;

/** User u has the item u among its records, and its feature is u. So a device can tell whether the feature is its own. */
const dataset = async (): Promise<Dataset> => {
  const items = (user: number) => Array.from({ length: 6 }, (_, i) => (user + 7 * i) % USERS);
  const users = Array.from({ length: USERS }, (_, user) => user);
  const folder = await folderOf({
    'ratings.csv': `userId,movieId\n${users.flatMap((user) => items(user).map((item) => `${user},${item}`)).join('\n')}\n`,
    'movies.csv': `movieId,genres\n${users.map((item) => `${item},g${item % 3}|h`).join('\n')}\n`,
    'people.csv': `userId,number\n${users.map((user) => `${user},${user}.5`).join('\n')}\n`,
  });
  return load(folder, { split: 'cold-users', splitting: { support: 3 }, sideFiles: [join(folder, 'people.csv')] });
};

/**
 * Item popularity, by an algorithm that fails at anything that it should not see. Users and items have original ids beyond their dense
 * ones, so the module gets the expected numbers from the test.
 */
const moduleOf = ({ users, userIds, itemIds, roles }: Dataset): string => {
  const cold = roles!.users.filter((role) => role !== 0).length;
  const facts = { cold, users, numbers: userIds!.map(Number), items: itemIds!.map(Number) };
  return `const facts = ${JSON.stringify(facts)};
const isOwn = (own) => {
  const number = own.features[0][0] - 0.5;
  const all = Array.from({ length: 6 }, (_, i) => (number + 7 * i) % ${USERS});
  if (own.features.length !== 1 || !Array.from(own.train.items).every((item) => all.includes(facts.items[item]))) throw new Error('another user');
};
${moduleText(`
  name: 'popular',
  traits: { feedback: 'implicit', aggregation: 'sum', coldUsers: true, features: ['users', 'items'], reads: [] },
  client: (world) => {
    const half = client();
    if (world.cold !== facts.cold || world.devices !== facts.users) throw new Error('other devices');
    if (world.itemFeatures[0].vocabulary.join() !== 'g0,h,g1,g2') throw new Error('other words');
    if ('values' in world.userFeatures[0]) throw new Error('features of others');
    return {
      plan: (own, task) => (isOwn(own), half.plan(own, task)),
      update: (model, own, items) => (isOwn(own), half.update(model, own, items)),
      score: (model, own, items) => (isOwn(own), Float32Array.from(items, (item) => model.tensors[0][model.rows === null ? item : model.rows.indexOf(item)])),
    };
  },
  server: (world, options, runtime) => {
    const half = server(world, options, runtime);
    const prepare = (cohort, round) => {
      if (round !== null && cohort.some(({ device }) => device >= world.devices - world.cold)) throw new Error('a cold device');
      half.prepare(cohort, round);
    };
    return { ...half, prepare };
  },`)}`;
};

describe('a run on cold users', () => {
  it('trains the others alone, shows each device its own features, and ranks for the cold ones by default', async () => {
    const data = await dataset();
    const folder = moduleFolder();
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    writeModule(folder, 'popular.mjs', moduleOf(data));
    const algorithm = join(folder, 'popular.mjs');
    await installModule(ALGORITHM, algorithm, []);
    const { outcome, events } = await finish({ dataset: data, config: { algorithm, cohort: 64, epochs: 2 } });
    expect(outcome.reason).toBe('completed');
    const epochs = events.filter((event) => event.type === 'epoch');
    expect(epochs).toHaveLength(2);
    const [first] = epochs;
    expect(Object.keys(first!.valid.metrics)).toEqual(['ndcg@10', 'recall@10', 'hr@10']);
    const held = (part: 'valid' | 'test') => data.parts[part].items.length;
    expect([first!.valid.count, first!.test.count]).toEqual([held('valid'), held('test')]);
    expect(first!.test.metrics['recall@10']).toBeGreaterThan(0);
    expect(events.find((event) => event.type === 'run-started')).toMatchObject({
      stopOn: 'ndcg@10',
      roundsPerEpoch: 1,
      devices: data.users,
    });
  });
});

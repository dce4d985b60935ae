import { rmSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Dataset } from '../../../src/data/dataset.js';
import { asImplicit } from '../../../src/data/splits/resplit.js';
import { installModule } from '../../../src/runs/config/definitions.js';
import { flagSource, resolveConfig } from '../../../src/runs/config/parse-config.js';
import { checkServes, featuresRead, settled, trainedUsers } from '../../../src/runs/config/settle.js';
import { planRun } from '../../../src/runs/trainer/plan.js';
import { moduleFolder, moduleText, writeModule } from '../../support/cli/module-folder.js';
import { columnOf } from '../../support/device/small-world.js';
import { datasetOf } from '../../support/runs/small-dataset.js';

const small = datasetOf([1, 2, 3, 4, 5]);
const configOf = (flags: Readonly<Record<string, string>> = {}) => resolveConfig(flagSource(flags));
const bytes = (...values: number[]) => {
  const array = new Uint8Array(new SharedArrayBuffer(values.length));
  array.set(values);
  return array;
};
const coldUsers: Dataset = { ...small, roles: { users: bytes(0, 0, 0, 1, 2), items: bytes(...new Array<number>(4000).fill(0)) } };

describe('defaults that follow the data', () => {
  it('take the whole of a small fleet as a cohort, and 64 of a larger one', () => {
    expect(settled(configOf(), small).cohort).toBe(5);
    expect(planRun(configOf(), small)).toMatchObject({ roundsPerEpoch: 1, settings: { cohort: 5 } });
    expect(settled(configOf(), { users: 64, feedback: 'explicit' }).cohort).toBe(64);
    expect(settled(configOf({ cohort: '3' }), small).cohort).toBe(3);
    expect(() => planRun(configOf({ cohort: '65' }), small)).toThrow("key cohort: expected at most the fleet's 5 devices, found 65");
  });

  it('leave room for the devices that a round asks in excess', () => {
    const flags = { 'fleet.profiles': 'mix', sampling: 'uniform', 'policy.kind': 'fastest', 'policy.overSelection': '1.6' };
    expect(planRun(configOf(flags), small).settings.cohort).toBe(3);
  });

  it('rank items where there are no ratings, unless others are named', () => {
    const implicit = asImplicit(small);
    expect(settled(configOf(), implicit).evaluation.metrics).toEqual(['ndcg@10', 'recall@10', 'hr@10']);
    expect(settled(configOf({ 'evaluation.metrics': '[auc]' }), implicit).evaluation.metrics).toEqual(['auc']);
    expect(settled(configOf(), small).evaluation.metrics).toEqual(['mae', 'mse']);
  });
});

describe('what a dataset cannot serve', () => {
  const said = (flags: Readonly<Record<string, string>>, dataset: Dataset): string => {
    try {
      const config = settled(configOf(flags), dataset);
      checkServes(config, dataset);
      featuresRead(config, dataset);
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing';
  };

  it('is an algorithm that needs ratings, without any', () => {
    expect(said({}, asImplicit(small))).toBe(
      'key algorithm: expected one that learns from implicit feedback, as small has no ratings, found metamf, which learns from ratings',
    );
  });

  it('is an algorithm for its own users alone, where some are cold', () => {
    expect(said({ algorithm: 'fedavg' }, coldUsers)).toBe(
      'key algorithm: expected one that serves cold users, as small is split by users, found fedavg, which serves users of its training alone',
    );
    expect(() => planRun(configOf(), coldUsers)).toThrow('one that serves cold users');
  });

  it('is a measure of what is not there', async () => {
    const folder = moduleFolder();
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeModule(folder, 'implicit.mjs', moduleText(`name: 'implicit', traits: { ...traits, feedback: 'implicit', features: ['items'] }`));
    const algorithm = `${folder}/implicit.mjs`;
    await installModule((await import('../../../src/algorithms/registry.js')).ALGORITHM, algorithm, []);
    expect(said({ algorithm, 'evaluation.metrics': '[hr@5, rmse]' }, asImplicit(small))).toBe(
      'key evaluation.metrics: expected ranking metrics such as ndcg@10, recall@10, hr@10, as small has no ratings, found rmse',
    );
    expect(said({ algorithm, 'evaluation.candidates': 'cold' }, small)).toBe(
      'key evaluation.candidates: expected all, warm or a number, as small has no cold items, found cold',
    );
    expect(said({ algorithm }, small)).toBe('key features: expected features of items, as implicit reads them, found none in small');
  });
});

describe('cold users', () => {
  it('are the last devices of a world whose rounds, epochs and schedule are those of the others', async () => {
    const folder = moduleFolder();
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeModule(folder, 'cold.mjs', moduleText(`name: 'cold', traits: { ...traits, coldUsers: true }`));
    const algorithm = `${folder}/cold.mjs`;
    await installModule((await import('../../../src/algorithms/registry.js')).ALGORITHM, algorithm, []);
    expect(trainedUsers(coldUsers)).toBe(3);
    const { world, settings, roundsPerEpoch } = planRun(configOf({ algorithm, cohort: '2' }), coldUsers);
    expect(world).toMatchObject({ devices: 5, cold: 2 });
    expect([settings.cohort, roundsPerEpoch]).toEqual([2, 2]);
    expect(() => planRun(configOf({ algorithm, cohort: '4' }), coldUsers)).toThrow("at most the fleet's 3 devices");
  });
});

describe('features that an algorithm reads', () => {
  it('are in the world: those of items with their values, those of users without', async () => {
    const folder = moduleFolder();
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeModule(folder, 'reads.mjs', moduleText(`name: 'reads', traits: { ...traits, features: ['items', 'users'] }`));
    const algorithm = `${folder}/reads.mjs`;
    await installModule((await import('../../../src/algorithms/registry.js')).ALGORITHM, algorithm, []);
    const { offsets, items } = columnOf([[[0, 1]], [], [], [], []]);
    const feature = { name: 'age', kind: 'multi-hot', vocabulary: ['young'], offsets, values: items } as const;
    const { world } = planRun(configOf({ algorithm }), { ...small, userFeatures: [feature], itemFeatures: [feature] });
    expect(world.itemFeatures).toEqual([feature]);
    expect(world.userFeatures).toEqual([{ name: 'age', kind: 'multi-hot', vocabulary: ['young'] }]);
  });
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeEnvironment } from '../../../src/runs/folder/environment.js';
import type { StudyHooks } from '../../../src/studies/train-all.js';
import { runTune } from '../../../src/studies/tuning/tune.js';
import { parseSpec } from '../../../src/studies/tuning/tune-spec.js';
import { failureOf, smallConfig, temporaryFolder } from '../../support/transport/small-run.js';

const nothing = (): void => {};
const HOOKS: StudyHooks = { stage: nothing, note: nothing, observe: nothing, context: nothing, watch: nothing, interrupted: () => false };

const search = async (config: object, space: object) => {
  const runs = await temporaryFolder();
  const base = smallConfig({ metrics: { enabled: false }, baselines: false, epochs: 1, results: runs, ...config });
  const spec = parseSpec({ space, search: 'grid', least: 1, most: 1 }, 'spec');
  const environment = describeEnvironment({ metafleet: '0', kernels: 'reference' });
  return runTune({ spec, base, runs, environment, onTrials: async () => {} }, HOOKS);
};

const SYNTHETIC = 'synthetic:users=30,items=24,ratings=400';

it('a search is refused where there are no validation ratings to rank its trials by', async () => {
  // Five ratings a user: the random split leaves none of them for validation.
  const file = join(await temporaryFolder(), 'few.csv');
  const rows = Array.from({ length: 40 }, (_, row) => `${Math.floor(row / 5)},${row % 7},${1 + (row % 5)}`);
  writeFileSync(file, `user,item,rating\n${rows.join('\n')}\n`);
  expect(await failureOf(search({ data: file }, { 'optimizer.rate': [1e-9, 1e-3] }))).toMatchObject({
    code: 'CONFIG',
    message: 'tune: expected validation ratings to rank trials by mse, found none in few',
  });
});

it('a search is refused where no trial has a value, and over keys that change what is ranked by', async () => {
  const unreachable = { data: SYNTHETIC, evaluation: { metrics: ['auc'], relevant: 1000 } };
  expect(await failureOf(search(unreachable, { 'optimizer.rate': [1e-3, 1e-2] }))).toMatchObject({
    code: 'CONFIG',
    message: expect.stringMatching(/^tune: expected a validation auc to rank trials by, found none of any trial/),
  });
  expect(await failureOf(search({ data: SYNTHETIC }, { 'evaluation.candidates': [1, 2] }))).toMatchObject({
    code: 'CONFIG',
    message: expect.stringMatching(/^key space\.evaluation\.candidates: expected/),
  });
});

it('a search takes the greatest value where the metric is better so', async () => {
  const { ranking } = await search(
    { data: SYNTHETIC, evaluation: { metrics: ['mse', 'auc'] }, stopOn: 'auc' },
    { 'optimizer.rate': [1e-4, 0.03, 0.1] },
  );
  expect(ranking.map(({ metric }) => metric)).toEqual(['auc', 'auc', 'auc']);
  const values = ranking.map(({ valid }) => valid!);
  expect(values).toEqual(values.toSorted((a, b) => b - a));
  expect(new Set(values).size).toBeGreaterThan(1);
});

it('the command of the winner has no flag that its algorithm does not read', async () => {
  const { command } = await search(
    { data: SYNTHETIC, algorithm: 'fedavg', optimizer: { schedule: 'cosine' } },
    { 'fedavg.serverRate': [2, 20] },
  );
  expect(command).toContain('--fedavg.serverRate');
  expect(command).not.toContain('annealEpochs');
});

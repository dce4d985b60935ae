import { createHash } from 'node:crypto';
import type { Config } from '../../runs/config/config.js';
import { isCentral } from '../../runs/config/definitions.js';
import { loadConfigured } from '../../runs/config/load-data.js';
import { planTraining } from '../../runs/trainer/plan-training.js';
import { calibrationRuns, kindOf } from './calibration.js';
import { type CostSample, fitCosts, type RunSizes, sizesOf } from './cost-model.js';
import type { Prediction } from './rows.js';
import type { RunFolder } from './runs.js';
import type { SweepPoint } from './sweep-file.js';

/** What each point will cost, by name, from short measured runs. Throws what is wrong with a point before anything is run. */

/** Seeds draw other ratings, not more of them. */
const datasetOf = ({ data, split, columns, delimiter, scale }: Config): string => JSON.stringify([data, split, columns, delimiter, scale]);

/** Of points that a fleet trains. One dataset in memory at a time: a sweep's largest may be most of what there is. */
export const measureSizes = async (points: readonly SweepPoint[], note: (text: string) => void): Promise<ReadonlyMap<string, RunSizes>> => {
  const sizes = new Map<string, RunSizes>();
  for (const identity of new Set(points.map(({ config }) => datasetOf(config)))) {
    const same = points.filter(({ config }) => datasetOf(config) === identity);
    const dataset = await loadConfigured(same[0]!.config, note);
    for (const { name, config } of same) {
      // The cost model knows rounds of a fleet.
      if (isCentral(config)) planTraining(config, dataset);
      else sizes.set(name, await sizesOf(config, dataset));
    }
  }
  return sizes;
};

const nameOf = (config: Config): string => `calibration-${createHash('sha256').update(JSON.stringify(config)).digest('hex').slice(0, 12)}`;

/** Runs what is needed of the short runs; those of an earlier call are taken as they are. undefined when it was interrupted. */
export const predict = async (
  points: readonly SweepPoint[],
  sizes: ReadonlyMap<string, RunSizes>,
  runs: RunFolder,
  { note, interrupted }: { readonly note: (text: string) => void; readonly interrupted: () => boolean },
): Promise<ReadonlyMap<string, Prediction> | undefined> => {
  const groups = calibrationRuns(points.map(({ name, config }) => ({ config, sizes: sizes.get(name)! })));
  const total = [...groups.values()].reduce((sum, configs) => sum + configs.length, 0);
  let count = 0;
  const models = new Map<string, ReturnType<typeof fitCosts>>();
  for (const [kind, configs] of groups) {
    const samples: CostSample[] = [];
    for (const config of configs) {
      const name = nameOf(config);
      count += 1;
      if (runs.finished(name) === undefined) {
        note(`calibrating: short run ${count} of ${total}`);
        const { end, error } = await runs.run(name, config);
        if (interrupted()) return undefined;
        if (end === 'failed') throw new Error(`a calibration run failed: ${error}`);
      }
      const run = runs.finished(name);
      if (run !== undefined) samples.push({ sizes: await sizesOf(config, await loadConfigured(config)), costs: run.costs });
    }
    models.set(kind, fitCosts(samples));
  }
  return new Map(
    points.map(({ name, config }) => {
      const own = sizes.get(name)!;
      return [name, { sizes: own, costs: models.get(kindOf(config))!(own) }];
    }),
  );
};

import { join } from 'node:path';
import { badInput, messageOf } from '../base/errors.js';
import { metricOf } from '../metrics/registry.js';
import type { RunComparison, RunDifference } from '../report/run/run-report.js';
import { installModulesOf } from '../runs/config/install-modules.js';
import { loadConfigured } from '../runs/config/load-data.js';
import { resolveConfig, yamlSource } from '../runs/config/parse-config.js';
import type { StoredRun } from '../runs/folder/stored-run.js';
import { compare, type UserMetrics, userMetricsOf } from './user-metrics.js';

/** What makes two runs' test ratings the same: pairs of devices mean nothing otherwise. */
const RATINGS = ['data', 'split', 'columns', 'delimiter', 'scale'] as const;

const ratingsOf = ({ summary }: StoredRun): string =>
  JSON.stringify([
    ...RATINGS.map((key) => summary.config[key]),
    summary.dataset.ratings.test,
    summary.config['split'] === 'given' ? null : summary.seed,
  ]);

/** Ranking metrics over other candidates cannot be compared. */
const candidatesOf = ({ summary: { config, seed } }: StoredRun): string => {
  const { candidates = 'all', relevant = 'all' } = (config['evaluation'] ?? {}) as { candidates?: unknown; relevant?: unknown };
  return JSON.stringify([candidates, relevant, candidates === 'all' ? null : seed]);
};

const isRanking = (metric: string): boolean => metricOf(metric).task === 'ranking';

/** Test metrics device by device with the best checkpoint: measured once, then kept in the run's folder. Rejects where they cannot be had. */
const errorsOf = async ({ name, folder, config: text, summary }: StoredRun, note: (text: string) => void): Promise<UserMetrics> => {
  const source = yamlSource(text, join(folder, 'config.yaml'));
  await installModulesOf(source);
  const config = resolveConfig(source);
  const dataset = await loadConfigured(config, note);
  const errors = await userMetricsOf({ label: name, seed: config.seed, config, folder, dataset, digest: summary.digest ?? '' });
  if (errors === undefined) throw badInput('CHECKPOINT', name, 'an algorithm whose devices keep nothing between rounds', summary.algorithm);
  return errors;
};

/** Each pair of runs on the same test ratings, over the devices that have any. */
export const compareRuns = async (runs: readonly StoredRun[], note: (text: string) => void): Promise<RunComparison> => {
  const notes: string[] = [];
  const errors = new Map<StoredRun, UserMetrics>();
  for (const run of runs) {
    note(`errors of ${run.name}, device by device`);
    try {
      errors.set(run, await errorsOf(run, note));
    } catch (error) {
      notes.push(`${run.name} takes no part: ${messageOf(error)}`);
    }
  }
  const differences: RunDifference[] = [];
  const known = [...errors.keys()];
  known.forEach((first, index) => {
    for (const second of known.slice(index + 1)) {
      if (ratingsOf(first) !== ratingsOf(second)) {
        notes.push(`${first.name} and ${second.name} were tested on different ratings: another dataset, split or seed of the split.`);
        continue;
      }
      const found = compare(
        { label: first.name, bySeed: new Map([[0, errors.get(first)!]]) },
        { label: second.name, bySeed: new Map([[0, errors.get(second)!]]) },
      );
      if (found === undefined) continue;
      const sameCandidates = candidatesOf(first) === candidatesOf(second);
      const metrics = Object.entries(found.tests)
        .filter(([metric]) => sameCandidates || !isRanking(metric))
        .map(([metric, { pairs, difference, p }]) => [metric, { devices: pairs, difference, p }]);
      if (metrics.length === 0) {
        notes.push(`${first.name} and ${second.name} have no metric in common over the same candidates.`);
        continue;
      }
      differences.push({ first: first.name, second: second.name, metrics: Object.fromEntries(metrics) });
    }
  });
  return { differences, notes };
};

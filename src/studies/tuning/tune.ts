import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ALGORITHM } from '../../algorithms/registry.js';
import { badInput } from '../../base/errors.js';
import { countsOf, type Dataset } from '../../data/dataset.js';
import type { Metric } from '../../metrics/metric.js';
import { metricOf } from '../../metrics/registry.js';
import type { Config } from '../../runs/config/config.js';
import { chosen, isCentral } from '../../runs/config/definitions.js';
import { stopMetricOf } from '../../runs/config/measured.js';
import { settled } from '../../runs/config/settle.js';
import type { Environment } from '../../runs/folder/environment.js';
import { commandOf, findRun } from '../../runs/folder/run-store.js';
import { readSummary } from '../../runs/folder/stored-run.js';
import { planTraining } from '../../runs/trainer/plan-training.js';
import { bestSoFar, readEpochs } from '../history.js';
import { createLoader, type LoadedData, type StudyHooks, trainHere } from '../train-all.js';
import { byScore, type Rung, ranked, rungsOf, type Scored } from './successive-halving.js';
import { type Candidate, candidatesOf, configOfCandidate, type TuneSpec } from './tune-spec.js';

/** A search over configuration keys. Trials are run folders: what was trained stays, and the same command continues where it was stopped. */
export type TuneOptions = {
  readonly spec: TuneSpec;
  /** What every trial has in common, the data included. */
  readonly base: Config;
  /** Folder for the trials' run folders. */
  readonly runs: string;
  readonly environment: Environment;
  /** Called after each trial and rung, with all lines so far. */
  readonly onTrials: (lines: readonly TrialLine[]) => Promise<void>;
};

/** One trial in one rung. There is no test error: it has no part in the choice, and nobody should be led to give it one. */
export type TrialLine = {
  readonly trial: number;
  readonly rung: number;
  /** Epochs allowed in this rung; `trained` is less where the trial stopped early. */
  readonly epochs: number;
  readonly trained: number;
  /** What trials are ranked by, and its best value on the validation part; null where it has none, as where training diverged. */
  readonly metric: string;
  readonly valid: number | null;
  readonly settings: Candidate;
  readonly run: string;
};

export type TuneResult = {
  readonly lines: readonly TrialLine[];
  /** Best first, each at the last rung it was in; empty when interrupted. */
  readonly ranking: readonly TrialLine[];
  /** The `metafleet run` command of the winner; null when interrupted. */
  readonly command: string | null;
};

type Trial = { readonly index: number; readonly settings: Candidate; readonly config: Config };

/** A schedule over the whole run goes over the whole search: rungs are stops on its way, not runs of their own. */
const withWholeSchedule = (config: Config): Config => {
  const { schedule, annealEpochs } = config.optimizer;
  if (isCentral(config) || !chosen(ALGORITHM, config.algorithm).definition.traits.reads.includes('optimizer')) return config;
  if (schedule !== 'cosine' || annealEpochs > 0) return config;
  return { ...config, optimizer: { ...config.optimizer, annealEpochs: config.epochs } };
};

/** The number of rounds is how far a trial has come, not which one it is. */
const FAR = ['rounds'];

/** The best validation value up to a round: a trial that has been trained further since is judged as it was then. */
const scoreWithin = (folder: string, rounds: number, metric: Metric): { score: number | null; epochs: number } => {
  const within = readEpochs(folder).filter(({ round }) => round <= rounds);
  const best = bestSoFar(within, metric.name).at(-1);
  return { score: best?.valid[metric.name] ?? null, epochs: within.at(-1)?.epoch ?? 0 };
};

/** Keys that would have each trial ranked by something else. */
const OBJECTIVE = ['stopOn', 'evaluation.metrics', 'evaluation.candidates', 'evaluation.relevant'];

/** Throws CONFIG for a search without one measure that ranks its trials. */
const checkObjective = ({ space }: TuneSpec, dataset: Dataset, metric: Metric): void => {
  const key = Object.keys(space).find((name) => OBJECTIVE.includes(name));
  if (key !== undefined) throw badInput('CONFIG', `key space.${key}`, 'keys that leave what trials are ranked by as it is', key);
  if (countsOf(dataset).valid === 0)
    throw badInput('CONFIG', 'tune', `validation ratings to rank trials by ${metric.name}`, `none in ${dataset.name}`);
};

const checkScores = (scores: readonly Scored[], metric: Metric): void => {
  if (scores.every(({ score }) => score === null))
    throw badInput(
      'CONFIG',
      'tune',
      `a validation ${metric.name} to rank trials by`,
      'none of any trial: nothing was measured, or all diverged',
    );
};

const isEnough = (folder: string, rounds: number): boolean => {
  const { reason, rounds: done } = readSummary(folder);
  return reason === 'early-stopped' || done.total >= rounds;
};

export const runTune = async ({ spec, base: asked, runs, environment, onTrials }: TuneOptions, hooks: StudyHooks): Promise<TuneResult> => {
  const loaded: LoadedData = await createLoader(hooks)(asked);
  const base = settled(asked, loaded.dataset);
  const metric = metricOf(stopMetricOf(base));
  checkObjective(spec, loaded.dataset, metric);
  const trials = candidatesOf(spec).map((settings, index): Trial => {
    const config = withWholeSchedule(configOfCandidate(base, settings));
    planTraining(config, loaded.dataset);
    return { index, settings, config };
  });
  const rungs = rungsOf({ candidates: trials.length, ...spec });
  const lines: TrialLine[] = [];
  let survivors: readonly Trial[] = trials;
  for (const [number, rung] of rungs.entries()) {
    survivors = survivors.slice(0, rung.candidates);
    const scores: Scored[] = [];
    for (const [position, trial] of survivors.entries()) {
      const { config, index, settings } = trial;
      const rounds = rung.budget * planTraining({ ...config, rounds: 0 }, loaded.dataset).roundsPerEpoch;
      const place = findRun(runs, config, loaded.dataset, loaded.digest, FAR);
      if (place.state !== 'finished' || !isEnough(place.folder, rounds)) {
        if (hooks.interrupted()) return { lines, ranking: [], command: null };
        hooks.context({
          run: lines.length + 1,
          runs: rungs.reduce((sum, { candidates }) => sum + candidates, 0),
          label: `trial ${index}, rung ${number + 1}/${rungs.length}`,
          waitingRounds: waiting(rungs, number, position, rounds / rung.budget),
        });
        const run = { label: `trial ${index}`, seed: config.seed, config: { ...config, rounds } };
        const reason = await trainHere(run, place, loaded, { root: runs, environment }, hooks);
        if (reason === 'interrupted') return { lines, ranking: [], command: null };
      }
      const { score, epochs } = scoreWithin(place.folder, rounds, metric);
      scores.push({ candidate: index, score });
      lines.push({
        trial: index,
        rung: number + 1,
        epochs: rung.budget,
        trained: epochs,
        metric: metric.name,
        valid: score,
        settings,
        run: place.name,
      });
      await onTrials(lines);
    }
    checkScores(scores, metric);
    survivors = ranked(scores, metric).map(({ candidate }) => trials[candidate]!);
    for (const lost of survivors.slice(rungs[number + 1]?.candidates ?? survivors.length)) {
      // It will not be continued, and takes as much as its model and optimizer together.
      const { folder } = findRun(runs, lost.config, loaded.dataset, loaded.digest, FAR);
      rmSync(join(folder, 'last.checkpoint'), { force: true });
    }
  }
  const last = (trial: number): TrialLine => lines.findLast((line) => line.trial === trial)!;
  const ranking = trials
    .map(({ index }) => last(index))
    .sort((a, b) => b.rung - a.rung || byScore(metric, a.valid, b.valid) || a.trial - b.trial);
  return { lines, ranking, command: commandOf(trials[ranking[0]!.trial]!.config) };
};

/** Rounds still to be trained after a trial, at most: what each rung adds to the one before. */
const waiting = (rungs: readonly Rung[], number: number, position: number, roundsPerEpoch: number): number =>
  rungs.reduce((sum, { budget, candidates }, index) => {
    if (index < number) return sum;
    const added = (budget - (rungs[index - 1]?.budget ?? 0)) * roundsPerEpoch;
    return sum + added * (index === number ? candidates - position - 1 : candidates);
  }, 0);

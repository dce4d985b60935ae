import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { badInput, messageOf } from '../../base/errors.js';
import { countsOf } from '../../data/dataset.js';
import type { Config } from '../../runs/config/config.js';
import { installModulesOf } from '../../runs/config/install-modules.js';
import { resolveConfig, yamlSource } from '../../runs/config/parse-config.js';
import type { Environment } from '../../runs/folder/environment.js';
import { commandOf } from '../../runs/folder/run-store.js';
import { readSummary } from '../../runs/folder/stored-run.js';
import type { Summary } from '../../runs/folder/summary.js';
import { bestSoFar, type CostPoint, type EpochPoint, readEpochsWithCosts } from '../history.js';
import { createLoader, type StudyHooks, trainAll } from '../train-all.js';
import { AUTHORS, AUTHORS_BATCH, AUTHORS_EPOCHS, additionsOf, TARGETS } from './configurations.js';
import { AUTHORS_LABEL, regimesOf } from './definitions.js';
import { factsOf } from './measure-table.js';
import { type PaperSet, paperSetOf, REPRODUCED, TORCH_PEER } from './published.js';
import type { DataFacts } from './table-result.js';
import { plainConfig, plannedRuns, type StudyOptions } from './table-study.js';

/**
 * How few rounds and bytes an accuracy takes. Every regime is read at the epochs where it was measured. Its error there is the test
 * error of the epoch with the best validation MSE so far. A run that stopped there would have kept this epoch.
 */
export type BytesResult = {
  readonly version: 1;
  readonly study: 'bytes';
  readonly command: string;
  readonly quick: boolean;
  readonly missing: readonly string[];
  readonly data: DataFacts;
  readonly environment: Environment;
  /** Rounds of the authors' whole regime on this set: an epoch takes as many as there are training ratings, over 64. */
  readonly authors: { readonly roundsPerEpoch: number; readonly epochs: number; readonly rounds: number };
  readonly targets: readonly number[];
  readonly regimes: readonly Regime[];
  readonly peer: PeerTime;
};

export type CurvePoint = CostPoint & {
  readonly epoch: number;
  readonly round: number;
  readonly mae: number | null;
  readonly mse: number | null;
};

/** The first measured epoch at which something held; null where it never did. */
export type Reached = CurvePoint | null;

export type Regime = {
  readonly label: string;
  readonly run: string;
  readonly command: string;
  readonly seed: number;
  /** Of Θ at the run's end; null where the run has not ended. */
  readonly digest: string | null;
  readonly devices: number;
  readonly additions: readonly string[];
  readonly curve: readonly CurvePoint[];
  /** In the order of `targets`. */
  readonly reached: readonly Reached[];
  /** The best within a tenth and a hundredth of the authors' rounds. */
  readonly within: { readonly tenth: Reached; readonly hundredth: Reached };
};

/** What PyTorch would take for the authors' regime, from its measured step. */
export type PeerTime = {
  readonly millisPerStep: number;
  readonly source: string;
  /** MSE that the hours are for, steps it takes, and who says so; null where nobody has. */
  readonly goal: { readonly mse: number; readonly steps: number; readonly by: string; readonly hours: number } | null;
};

/** Error so far against cost so far. */
const curveOf = (points: readonly (EpochPoint & CostPoint)[]): readonly CurvePoint[] =>
  bestSoFar(points, 'mse').map(({ test }, index) => {
    const { epoch, round, bytesDown, bytesUp, trainMillis, wallMillis, cpuMillis } = points[index]!;
    return { epoch, round, bytesDown, bytesUp, trainMillis, wallMillis, cpuMillis, mae: test['mae'] ?? null, mse: test['mse'] ?? null };
  });

const lastWithin = (curve: readonly CurvePoint[], rounds: number): Reached => curve.findLast(({ round }) => round <= rounds) ?? null;

type RunPlace = { readonly label: string; readonly folder: string; readonly config: Config; readonly digest: string | null };

const regimeOf = async (
  { label, folder, config, digest }: RunPlace,
  devices: number,
  rounds: number,
  targets: readonly number[],
): Promise<Regime> => {
  const curve = curveOf(await readEpochsWithCosts(folder));
  return {
    label,
    run: basename(folder),
    command: commandOf(config),
    seed: config.seed,
    digest,
    devices,
    additions: additionsOf(config),
    curve,
    reached: targets.map((target) => curve.find(({ mse }) => mse !== null && mse <= target) ?? null),
    within: { tenth: lastWithin(curve, rounds / 10), hundredth: lastWithin(curve, rounds / 100) },
  };
};

const readConfig = async (folder: string): Promise<Config> => {
  const file = join(folder, 'config.yaml');
  try {
    const source = yamlSource(readFileSync(file, 'utf8'), file);
    await installModulesOf(source);
    return resolveConfig(source);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    throw badInput('CHECKPOINT', file, 'the configuration of a run', messageOf(error));
  }
};

/** Of a run that has not ended, or died: its epochs so far count all the same. */
const summaryIfEnded = (folder: string): Summary | undefined => {
  try {
    return readSummary(folder);
  } catch {
    return undefined;
  }
};

/** A run of another command, finished or not; the authors' regime is recognized. */
const included = async (folder: string, data: string): Promise<RunPlace> => {
  const path = resolve(folder);
  const config = { ...(await readConfig(path)), data };
  const authors = config.ratings === AUTHORS.ratings && config.sampling === AUTHORS.sampling && config.cohort === AUTHORS.cohort;
  return { label: authors ? AUTHORS_LABEL : basename(path), folder: path, config, digest: summaryIfEnded(path)?.digest ?? null };
};

const peerTime = (set: PaperSet | undefined, millisPerStep: number, regimes: readonly Regime[], authorsRounds: number): PeerTime => {
  const mse = set && REPRODUCED[set]?.[1];
  const base = { millisPerStep, source: TORCH_PEER.source };
  if (mse === undefined) return { ...base, goal: null };
  const measured = regimes.find(({ label }) => label === AUTHORS_LABEL)?.curve.find((point) => point.mse !== null && point.mse <= mse);
  const steps = measured?.round ?? authorsRounds;
  const by = measured === undefined ? `the reproduction, after ${AUTHORS_EPOCHS} epochs` : "the authors' regime as measured here";
  return { ...base, goal: { mse, steps, by, hours: (steps * millisPerStep) / 3_600_000 } };
};

export type BytesOptions = StudyOptions & {
  /** Run folders of other commands to show next to them. */
  readonly include: readonly string[];
  /** Trains the authors' regime, too: hours, or days. */
  readonly authors: boolean;
  readonly peerStepMillis: number;
};

export const runBytes = async (options: BytesOptions, hooks: StudyHooks): Promise<BytesResult> => {
  const load = createLoader(hooks);
  const others = await Promise.all(options.include.map((folder) => included(folder, options.data)));
  const { dataset } = await load(plainConfig(options));
  const set = paperSetOf(dataset);
  const runs = plannedRuns(regimesOf(set, options), options);
  const trained = await trainAll(runs, { root: options.runs, environment: options.environment }, load, hooks);
  const roundsPerEpoch = Math.ceil(countsOf(dataset).train / AUTHORS_BATCH);
  const authors = { roundsPerEpoch, epochs: AUTHORS_EPOCHS, rounds: roundsPerEpoch * AUTHORS_EPOCHS };
  const targets = (set && TARGETS[set]) ?? [];
  const places: RunPlace[] = [
    ...others,
    ...trained.map(({ label, folder, config }) => ({ label, folder, config, digest: readSummary(folder).digest })),
  ];
  const regimes: Regime[] = [];
  for (const place of places) {
    hooks.stage(`reading ${basename(place.folder)}`);
    regimes.push(await regimeOf(place, dataset.users, authors.rounds, targets));
  }
  return {
    version: 1,
    study: 'bytes',
    command: options.command,
    quick: options.quick,
    missing: runs.slice(trained.length).map(({ label, seed }) => `${label}, seed ${seed}`),
    data: factsOf(options.data, dataset),
    environment: options.environment,
    authors,
    targets,
    regimes,
    peer: peerTime(set, options.peerStepMillis, regimes, authors.rounds),
  };
};

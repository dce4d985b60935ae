import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UMAP } from 'umap-js';
import { random, shuffle } from '../../base/random.js';
import { type DeviceId, deviceId } from '../../base/units.js';
import type { Dataset } from '../../data/dataset.js';
import type { Config } from '../../runs/config/config.js';
import { resolveConfig, yamlSource } from '../../runs/config/parse-config.js';
import type { Environment } from '../../runs/folder/environment.js';
import { commandOf } from '../../runs/folder/run-store.js';
import { readSummary } from '../../runs/folder/stored-run.js';
import { inspectRun } from '../../runs/trainer/inspect.js';
import { spreadOf } from '../statistics.js';
import { createLoader, type StudyHooks, trainAll } from '../train-all.js';
import { additionsOf, configurationsFor } from './configurations.js';
import { factsOf } from './measure-table.js';
import { paperSetOf } from './published.js';
import type { DataFacts } from './table-result.js';
import { plainConfig, plannedRuns, type StudyOptions } from './table-study.js';

/**
 * Figure 2 of the paper: the generated weights, and the generated embedding of one item drawn by the seed. A point is a user.
 * Both are reduced to two dimensions, and then normalized by mean and standard deviation, axis by axis (section 6.2). The paper reduces by t-SNE.
 * Here it is UMAP (McInnes et al., 2018), which also keeps neighbours. Its random choices come from the seed.
 */
export type Figure2Result = {
  readonly version: 1;
  readonly study: 'figure2';
  readonly command: string;
  readonly quick: boolean;
  readonly data: DataFacts;
  readonly environment: Environment;
  readonly run: {
    readonly run: string;
    readonly command: string;
    readonly seed: number;
    readonly digest: string | null;
    readonly epoch: number | null;
    readonly additions: readonly string[];
  };
  readonly item: number;
  readonly users: readonly number[];
  /** Training ratings of each of `users`. */
  readonly activity: readonly number[];
  readonly weights: Panel;
  readonly embeddings: Panel;
};

/** [x, y] of each user; `dimensions` before the reduction. */
export type Panel = { readonly dimensions: number; readonly points: readonly (readonly [number, number])[] };

/** norm(x) = (x − μ) / σ; 0 where all values are the same. */
const normalized = (values: readonly number[]): readonly number[] => {
  const { mean, deviation } = spreadOf(values);
  return values.map((value) => (deviation === null || deviation === 0 ? 0 : Number(((value - mean) / deviation).toFixed(4))));
};

/** UMAP wants more points than neighbours. */
const NEIGHBOURS = 15;

const reduce = async (vectors: readonly Float32Array[], seed: number, name: string, hooks: Pick<StudyHooks, 'stage'>): Promise<Panel> => {
  const source = random(seed, 'figure2', name);
  const umap = new UMAP({ nComponents: 2, nNeighbors: Math.min(NEIGHBOURS, vectors.length - 1), random: source.uniform });
  const rows = vectors.map((vector) => Array.from(vector));
  hooks.stage(`reducing ${name} to two dimensions`);
  const reduced = await umap.fitAsync(rows, (epoch) => {
    if (epoch % 50 === 0) hooks.stage(`reducing ${name} to two dimensions, epoch ${epoch}`);
  });
  const [x, y] = [0, 1].map((axis) => normalized(reduced.map((point) => point[axis]!)));
  return { dimensions: vectors[0]!.length, points: x!.map((value, index) => [value, y![index]!]) };
};

const ascending = (values: Iterable<number>): number[] => [...values].sort((a, b) => a - b);

/** Users with training ratings, at most `most` of them, drawn by the seed. */
const drawUsers = ({ users, parts: { train } }: Dataset, most: number, seed: number): DeviceId[] => {
  const rated = Array.from({ length: users }, (_, user) => user).filter((user) => train.offsets[user + 1]! > train.offsets[user]!);
  return ascending(shuffle(rated, random(seed, 'figure2', 'users')).slice(0, most === 0 ? rated.length : most)).map(deviceId);
};

/** An item that somebody rated, drawn by the seed: "we randomly select one item". */
const drawItem = ({ parts: { train } }: Dataset, seed: number): number =>
  train.items[random(seed, 'figure2', 'item').integer(train.items.length)]!;

/** e = items_low[i] · items_rise (s) · (s, d). */
const embeddingOf = (low: Float32Array, rise: Float32Array): Float32Array => {
  const d = rise.length / low.length;
  return Float32Array.from({ length: d }, (_, column) => low.reduce((sum, value, row) => sum + value * rise[row * d + column]!, 0));
};

const concatenated = (tensors: readonly Float32Array[]): Float32Array => Float32Array.from(tensors.flatMap((tensor) => [...tensor]));

export type Figure2Options = StudyOptions & {
  /** A finished run of MetaMF to show; without it, the one of the tables is taken, or trained. */
  readonly run: string | undefined;
  /** Most users to show, 0: all. */
  readonly users: number;
};

type Shown = { readonly folder: string; readonly config: Config; readonly dataset: Dataset };

const shownRun = async (options: Figure2Options, hooks: StudyHooks): Promise<Shown | undefined> => {
  const load = createLoader(hooks);
  if (options.run !== undefined) {
    const folder = resolve(options.run);
    const file = join(folder, 'config.yaml');
    readSummary(folder);
    const config = { ...resolveConfig(yamlSource(readFileSync(file, 'utf8'), file)), data: options.data };
    return { folder, config, dataset: (await load(config)).dataset };
  }
  const { dataset } = await load(plainConfig(options));
  const line = { label: 'MetaMF', settings: [configurationsFor(paperSetOf(dataset)).table], published: [] };
  const [run] = plannedRuns([line], options);
  const [trained] = await trainAll([run!], { root: options.runs, environment: options.environment }, load, hooks);
  return trained;
};

/** Undefined when the training was interrupted: the same command continues it. */
export const runFigure2 = async (options: Figure2Options, hooks: StudyHooks): Promise<Figure2Result | undefined> => {
  const shown = await shownRun(options, hooks);
  if (shown === undefined) return undefined;
  const { folder, config, dataset } = shown;
  const seed = config.seed;
  const users = drawUsers(dataset, options.users, seed);
  const item = drawItem(dataset, seed);
  hooks.stage('generating models');
  const inspection = await inspectRun({ config, dataset, checkpoint: join(folder, 'best.checkpoint') });
  const models = await inspection.models(users, Uint32Array.of(item)).finally(() => inspection.close());
  const summary = readSummary(folder);
  const { offsets } = dataset.parts.train;
  return {
    version: 1,
    study: 'figure2',
    command: options.command,
    quick: options.quick,
    data: factsOf(options.data, dataset),
    environment: options.environment,
    run: {
      run: summary.run,
      command: commandOf(config),
      seed,
      digest: summary.digest,
      epoch: summary.bestEpoch,
      additions: additionsOf(config),
    },
    item,
    users,
    activity: users.map((user) => offsets[user + 1]! - offsets[user]!),
    weights: await reduce(
      models.map(([, , ...dense]) => concatenated(dense)),
      seed,
      'weights',
      hooks,
    ),
    embeddings: await reduce(
      models.map(([low, rise]) => embeddingOf(low!, rise!)),
      seed,
      'embeddings',
      hooks,
    ),
  };
};

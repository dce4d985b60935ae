import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { badInput, isMetafleetError, MetafleetError } from '../base/errors.js';
import { readCheckpointHeader } from '../coordinator/checkpoint/checkpoint.js';
import { type Dataset, PARTS } from '../data/dataset.js';
import type { Config } from '../runs/config/config.js';
import { installModulesOf } from '../runs/config/install-modules.js';
import { loadConfigured } from '../runs/config/load-data.js';
import { resolveConfig, yamlSource } from '../runs/config/parse-config.js';
import { dataDigest } from '../runs/folder/data-digest.js';
import { resultsPaths } from '../runs/folder/results-folder.js';
import { findSummary, readRunConfig } from '../runs/folder/stored-run.js';
import type { Summary } from '../runs/folder/summary.js';
import { statesName } from '../runs/trainer/device-states.js';
import { parseSavedRun } from '../runs/trainer/saves.js';
import { type ChosenCheckpoint, openFederated } from './model/federated.js';
import type { Recommender } from './model/recommender.js';

/** A run's folder with its data. */
export type RunWithData = {
  /** The name of the run. */
  readonly run: string;
  readonly folder: string;
  readonly config: Config;
  /** undefined for a run that has not ended. */
  readonly summary: Summary | undefined;
  readonly dataset: Dataset;
  readonly dataDigest: string;
  /** The checkpoint of the best epoch, or the last one. `keepsState`: whether devices keep private states. */
  choose(keepsState: boolean): ChosenCheckpoint;
};

/** With its trained model, ready to predict. */
export type StoredModel = RunWithData & {
  /** File name of the checkpoint: the best epoch's, or the last one. */
  readonly checkpoint: string;
  readonly recommender: Recommender;
};

export type OpenOptions = {
  /** Where the run's data lie now. Default: where they lay. */
  readonly data?: string;
  /** Default: 1. */
  readonly threads?: number;
  readonly note?: (text: string) => void;
};

/** The file of private states that goes with the last checkpoint. */
const statesOfLast = (path: string): string | null => {
  const { run } = readCheckpointHeader(path);
  return parseSavedRun((run as { run?: unknown } | null)?.run, path).devices;
};

/** The best epoch's checkpoint, or the last one where there is no best, or where it lacks the devices' private states. */
const chooseCheckpoint = (folder: string, keepsState: boolean, note: (text: string) => void): ChosenCheckpoint => {
  const { best, last } = resultsPaths(folder, '.').checkpoints;
  if (existsSync(best)) {
    if (!keepsState) return { path: best, states: null };
    const states = statesName(best, readCheckpointHeader(best).round);
    if (existsSync(join(folder, states))) return { path: best, states };
    note(`${best}: the devices' private states of that round were not kept; the last checkpoint serves`);
  }
  if (!existsSync(last)) throw badInput('CHECKPOINT', folder, 'a run with a checkpoint', 'neither best.checkpoint nor last.checkpoint');
  return { path: last, states: keepsState ? statesOfLast(last) : null };
};

/** The data of another split or of other ratings would give users the models of others. */
const checkData = (summary: Summary | undefined, dataset: Dataset, digest: string, source: string): void => {
  const facts = summary?.dataset;
  if (facts === undefined) return;
  const counts = ({ users, items, ratings }: { users: number; items: number; ratings: Readonly<Record<string, number>> }): string =>
    `${users} users, ${items} items, ${PARTS.map((part) => ratings[part]).join(' + ')} ratings`;
  const ratings = Object.fromEntries(PARTS.map((part) => [part, dataset.parts[part].items.length]));
  const [trained, found] = [counts(facts), counts({ ...dataset, ratings })];
  if (trained !== found) throw badInput('DATA', source, `the ratings that the run was trained on (${trained})`, found);
  if (facts.digest !== undefined && facts.digest !== digest)
    throw badInput(
      'DATA',
      source,
      `the ratings that the run was trained on (digest ${facts.digest.slice(0, 16)}…)`,
      `others (digest ${digest.slice(0, 16)}…)`,
    );
};

const loadData = async (config: Config, note: (text: string) => void): Promise<Dataset> => {
  try {
    return await loadConfigured(config, note);
  } catch (error) {
    if (!isMetafleetError(error, 'DATA')) throw error;
    throw new MetafleetError('DATA', `data of the run: ${error.message} (where they lie now: --data)`, { cause: error });
  }
};

/**
 * Reads a run's configuration and its data. Throws CHECKPOINT for a folder without a run. Throws DATA for data that are gone, or that differ from
 * those of the run.
 */
export const openStoredRun = async (folder: string, { data, note = () => {} }: OpenOptions = {}): Promise<RunWithData> => {
  const source = yamlSource(readRunConfig(folder), join(folder, 'config.yaml'));
  await installModulesOf(source);
  const stored = resolveConfig(source);
  const config = data === undefined ? stored : { ...stored, data };
  const summary = findSummary(folder);
  const dataset = await loadData(config, note);
  const digest = dataDigest(dataset);
  checkData(summary, dataset, digest, config.data);
  const choose = (keepsState: boolean): ChosenCheckpoint => chooseCheckpoint(folder, keepsState, note);
  return { run: summary?.run ?? basename(resolve(folder)), folder, config, summary, dataset, dataDigest: digest, choose };
};

/** Opens a run that has a checkpoint. Throws as `openStoredRun` does, and CHECKPOINT for a run without a checkpoint. */
export const openStoredModel = async (folder: string, options: OpenOptions = {}): Promise<StoredModel> => {
  const stored = await openStoredRun(folder, options);
  const { config, dataset } = stored;
  let chosen: ChosenCheckpoint | undefined;
  const choose = (keepsState: boolean): ChosenCheckpoint => (chosen = stored.choose(keepsState));
  const recommender = await openFederated({ config, dataset, choose, threads: options.threads ?? 1 });
  return { ...stored, checkpoint: basename(chosen!.path), recommender };
};

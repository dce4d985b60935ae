import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { badInput, messageOf } from '../../base/errors.js';
import { configSchema, PREFERRED_METRIC } from '../config/config.js';
import { resultsPaths } from './results-folder.js';
import type { Summary } from './summary.js';

/** One line of rounds.ndjson or epochs.ndjson: numbers by name; what was not finite is null. */
export type StoredLine = Readonly<Record<string, number | boolean | null>>;

/** What a run's folder holds, for reports. */
export type StoredRun = {
  readonly name: string;
  readonly folder: string;
  readonly summary: Summary;
  /** config.yaml, as it was written. */
  readonly config: string;
  readonly rounds: readonly StoredLine[];
  readonly epochs: readonly StoredLine[];
};

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw badInput('CHECKPOINT', path, 'a file that can be read', messageOf(error));
  }
};

const parse = (text: string, place: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw badInput('CHECKPOINT', place, 'JSON', text.slice(0, 40));
  }
};

/** What every run measured, and stopped on, when summaries did not say it. */
const BEFORE_METRICS_HAD_NAMES = { metrics: configSchema().parse({}).evaluation.metrics, stopOn: PREFERRED_METRIC };

/** undefined where the run has not ended yet. Throws CHECKPOINT for a file that is no summary. */
export const findSummary = (folder: string): Summary | undefined => {
  const path = join(folder, 'summary.json');
  const text = read(path);
  if (text === undefined) return undefined;
  const value = parse(text, path);
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== 1)
    throw badInput('CHECKPOINT', path, 'a summary of version 1', text.slice(0, 40).replaceAll('\n', ' '));
  return { ...BEFORE_METRICS_HAD_NAMES, ...(value as Summary) };
};

/** Throws CHECKPOINT where there is none. */
export const readSummary = (folder: string): Summary => {
  const summary = findSummary(folder);
  if (summary === undefined) throw badInput('CHECKPOINT', join(folder, 'summary.json'), 'the summary of a run', 'nothing');
  return summary;
};

/** A last line that a killed process cut short is left out; any other that is no JSON is an error. */
const readLines = (path: string): readonly StoredLine[] => {
  const lines = (read(path) ?? '').split('\n');
  return lines.slice(0, -1).map((line, index) => parse(line, `${path}:${index + 1}`) as StoredLine);
};

/** Text of a run's config.yaml. Throws CHECKPOINT where there is no run. */
export const readRunConfig = (folder: string): string => {
  const config = read(resultsPaths(folder, '.').config);
  if (config === undefined) throw badInput('CHECKPOINT', folder, 'the folder of a run', 'no config.yaml in it');
  return config;
};

/** Throws CHECKPOINT where there is no run, or none that has ended. */
export const readStoredRun = (folder: string): StoredRun => {
  const paths = resultsPaths(folder, '.');
  const config = readRunConfig(folder);
  const summary = findSummary(folder);
  if (summary === undefined) throw badInput('CHECKPOINT', folder, 'a run that has ended', 'no summary.json in it');
  return {
    name: summary.run ?? basename(resolve(folder)),
    folder,
    summary,
    config,
    rounds: readLines(paths.rounds),
    epochs: readLines(paths.epochs),
  };
};

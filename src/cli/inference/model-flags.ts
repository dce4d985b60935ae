import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { badInput } from '../../base/errors.js';
import type { Names } from '../../inference/ids.js';
import type { StoredModel } from '../../inference/stored-model.js';

/** Flags of every command that predicts from a finished run. */
export type ModelFlags = { readonly run: string; readonly data?: string; readonly titles?: string };

export const addModelFlags = (command: Command): Command =>
  command
    .requiredOption('--run <folder>', 'folder of the run, results/<run>')
    .option('--data <source>', 'where the data of the run lie now (default: where they lay)')
    .option('--titles <file>', "titles of items: a table of item and title, such as MovieLens's movies.csv");

export const noteLine = (text: string): void => void process.stderr.write(`metafleet: ${text}\n`);

/** Opens the run, calls `use`, and closes it. `parallel`: whether models are generated on all cores. */
export const withModel = async <T>(
  { run, data, titles }: ModelFlags,
  parallel: boolean,
  use: (model: StoredModel, names: Names) => Promise<T>,
): Promise<T> => {
  const [{ openStoredModel }, { namesOf }, { readTitles }] = await Promise.all([
    import('../../inference/stored-model.js'),
    import('../../inference/ids.js'),
    import('../../inference/tables/tables.js'),
  ]);
  const known = titles === undefined ? undefined : await readTitles(titles);
  const threads = parallel ? availableParallelism() : 1;
  const model = await openStoredModel(run, { threads, note: noteLine, ...(data === undefined ? {} : { data }) });
  try {
    return await use(model, namesOf(model.dataset, known));
  } finally {
    await model.recommender.close();
  }
};

/** A whole number from `least` to `most`. Throws CONFIG. */
export const wholeFlag = (flag: string, text: string, least: number, most: number): number => {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw badInput('CONFIG', `flag ${flag}`, `a whole number from ${least} to ${most}`, text);
};

/** Which model predicts, as a phrase: `metamf, best epoch 15`. */
export const modelPhrase = ({ config, summary, checkpoint, recommender }: StoredModel): string => {
  const epoch = checkpoint.startsWith('best') ? (summary?.bestEpoch ?? null) : null;
  const which = epoch === null ? `after round ${recommender.round}` : `best epoch ${epoch}`;
  return `${summary?.algorithm ?? config.algorithm}, ${which}`;
};

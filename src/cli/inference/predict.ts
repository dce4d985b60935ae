import { once } from 'node:events';
import { Command } from 'commander';
import type { Names } from '../../inference/ids.js';
import type { PairPrediction, Unknown } from '../../inference/predict.js';
import type { StoredModel } from '../../inference/stored-model.js';
import { formatCount, plural } from '../../report/format.js';
import { addJson, type JsonFlag, jsonLine } from '../json-output.js';
import { addModelFlags, type ModelFlags, noteLine, withModel } from './model-flags.js';
import { onStopRequest } from './stop-request.js';

const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

const csvLine = ({ user, item, prediction }: PairPrediction): string => `${cell(user)},${cell(item)},${prediction ?? ''}\n`;

const predict = async (file: string, { json }: JsonFlag, { recommender }: StoredModel, names: Names): Promise<void> => {
  const [{ predictPairs }, { readPairs }] = await Promise.all([
    import('../../inference/predict.js'),
    import('../../inference/tables/tables.js'),
  ]);
  const { stdout } = process;
  const request = onStopRequest();
  const unknown = { users: 0, items: 0 };
  const count = ({ users, items }: Unknown): void => {
    unknown.users += users;
    unknown.items += items;
  };
  let [pairs, empty] = [0, 0];
  if (json !== true) stdout.write('user,item,prediction\n');
  for await (const prediction of predictPairs(readPairs(file), names, recommender, count)) {
    if (stdout.destroyed || request.isAsked()) break;
    pairs += 1;
    if (prediction.prediction === null) empty += 1;
    if (!stdout.write(json === true ? jsonLine(prediction) : csvLine(prediction)))
      await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]);
  }
  request.release();
  const ids = `${formatCount(unknown.users)} with a user and ${formatCount(unknown.items)} with an item that the data do not have`;
  if (empty > 0) noteLine(`${formatCount(empty)} of ${plural(pairs, 'pair')} have no prediction: ${ids}`);
  if (request.isAsked()) noteLine(`stopped after ${plural(pairs, 'pair')}`);
};

/** `metafleet predict PAIRS.csv --run results/<run>`: a prediction for each pair of user and item. */
export const predictCommand = (): Command =>
  addJson(addModelFlags(new Command('predict')), true)
    .argument('<pairs>', 'table of user and item, with or without a header; -: standard input')
    .action((file: string, flags: ModelFlags & JsonFlag) => withModel(flags, true, (model, names) => predict(file, flags, model, names)));

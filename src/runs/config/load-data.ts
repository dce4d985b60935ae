import { badInput } from '../../base/errors.js';
import type { Dataset } from '../../data/dataset.js';
import { loadDataset } from '../../data/load.js';
import type { Config } from './config.js';

/** The dataset that a configuration names. Throws CONFIG, DATA or FETCH. */
export const loadConfigured = (config: Config, onProgress?: (note: string) => void): Promise<Dataset> => {
  const { data, split, splitting, feedback, seed, columns, delimiter, scale, dataBudget } = config;
  const [user, item, rating] = columns;
  if (columns.length > 0 && rating === undefined)
    throw badInput('CONFIG', 'key columns', 'three columns: user, item, rating', `${columns.length}`);
  const [lowest, highest, step] = scale;
  if (scale.length === 1) throw badInput('CONFIG', 'key scale', 'lowest, highest and perhaps the step', '1 number');
  return loadDataset(data, {
    split,
    splitting,
    seed,
    ...(feedback !== 'auto' && { feedback }),
    budget: dataBudget,
    ...(user !== undefined && item !== undefined && rating !== undefined ? { columns: { user, item, rating } } : {}),
    ...(delimiter === '' ? {} : { delimiter }),
    ...(lowest !== undefined && highest !== undefined ? { scale: { lowest, highest, ...(step === undefined ? {} : { step }) } } : {}),
    ...(onProgress && { onProgress }),
  });
};

import { badInput } from '../../base/errors.js';
import type { Dataset } from '../../data/dataset.js';
import { type LoadOptions, loadDataset } from '../../data/load.js';
import type { FileOptions } from '../../data/read-files.js';
import type { Config } from './config.js';

const columnsOf = ({ columns }: Config): Pick<FileOptions, 'columns'> => {
  const [user, item, rating, time] = columns;
  if (user === undefined) return {};
  if (item === undefined) throw badInput('CONFIG', 'key columns', 'columns of user, item, and perhaps rating and time', '1');
  return { columns: { user, item, ...(rating !== undefined && { rating }), ...(time !== undefined && { time }) } };
};

const scaleOf = ({ scale }: Config): Pick<FileOptions, 'scale'> => {
  const [lowest, highest, step] = scale;
  if (scale.length === 1) throw badInput('CONFIG', 'key scale', 'lowest, highest and perhaps the step', '1 number');
  return lowest === undefined || highest === undefined ? {} : { scale: { lowest, highest, ...(step !== undefined && { step }) } };
};

const policiesOf = (config: Config): NonNullable<FileOptions['policies']> => {
  const { unrated, unratedAs, outside, rescale, duplicates, minItem, minUser, core, binarize } = config;
  const [lowest, highest] = rescale;
  if (rescale.length === 1 || (lowest !== undefined && highest !== undefined && lowest >= highest)) {
    throw badInput('CONFIG', 'key rescale', 'a lowest and a higher highest rating', JSON.stringify(rescale));
  }
  return {
    ...(unrated !== 'auto' && { unrated: unrated === 'none' ? [] : unrated }),
    ...(unratedAs !== 'drop' && { unratedAs }),
    ...(binarize !== 'none' && { binarize }),
    ...(lowest !== undefined && highest !== undefined && { rescale: { lowest, highest } }),
    outside,
    duplicates,
    minItem,
    minUser,
    core,
  };
};

/** How a configuration has data loaded. Throws CONFIG. */
export const loadOptions = (config: Config): LoadOptions => {
  const { split, splitting, feedback, features, sideFiles, seed, delimiter, encoding, header, dataBudget } = config;
  return {
    split,
    splitting,
    features,
    sideFiles,
    seed,
    budget: dataBudget,
    ...(feedback !== 'auto' && { feedback }),
    ...columnsOf(config),
    ...(delimiter !== '' && { delimiter }),
    ...(encoding !== '' && { encoding }),
    ...(header !== 'auto' && { header: header === 'yes' }),
    ...scaleOf(config),
    policies: policiesOf(config),
  };
};

/** The dataset that a configuration names. Throws CONFIG, DATA or FETCH. */
export const loadConfigured = (config: Config, onProgress?: (note: string) => void): Promise<Dataset> =>
  loadDataset(config.data, { ...loadOptions(config), ...(onProgress && { onProgress }) });

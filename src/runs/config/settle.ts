import type { FeatureForm, World } from '../../algorithms/port/definition.js';
import { ALGORITHM } from '../../algorithms/registry.js';
import { badInput } from '../../base/errors.js';
import type { Dataset } from '../../data/dataset.js';
import type { Feature } from '../../data/features/feature.js';
import { metricOf } from '../../metrics/registry.js';
import { MODEL } from '../../models/registry.js';
import { type Config, DEFAULT_COHORT, DEFAULT_METRICS, IMPLICIT_METRICS } from './config.js';
import { chosen, isCentral } from './definitions.js';

/** How many devices take part in training: those of warm users, which come first. */
export const trainedUsers = ({ users, roles }: Pick<Dataset, 'users' | 'roles'>): number => {
  const cold = roles?.users.findIndex((role) => role !== 0) ?? -1;
  return cold < 0 ? users : cold;
};

/** A round that asks more devices than it waits for must find them. */
const defaultCohort = ({ policy }: Config, devices: number): number => {
  const factor = policy.kind === 'deadline' || policy.kind === 'fastest' ? policy.overSelection : 1;
  return Math.min(DEFAULT_COHORT, Math.max(1, Math.floor(devices / factor)));
};

/** A configuration whose defaults follow the data: the cohort of a small fleet, and what is measured of implicit feedback. */
export const settled = (config: Config, dataset: Pick<Dataset, 'users' | 'roles' | 'feedback'>): Config => {
  const { evaluation } = config;
  const isDefault =
    evaluation.metrics.length === DEFAULT_METRICS.length && evaluation.metrics.every((name, at) => name === DEFAULT_METRICS[at]);
  const isRanked = dataset.feedback === 'implicit' && isDefault && config.stopOn === 'auto';
  const cohort = config.cohort === DEFAULT_COHORT ? defaultCohort(config, trainedUsers(dataset)) : config.cohort;
  if (cohort === config.cohort && !isRanked) return config;
  return { ...config, cohort, evaluation: { ...evaluation, ...(isRanked && { metrics: [...IMPLICIT_METRICS] }) } };
};

const formOf = (feature: Feature): FeatureForm =>
  feature.kind === 'dense'
    ? { name: feature.name, kind: feature.kind, width: feature.width }
    : { name: feature.name, kind: feature.kind, vocabulary: feature.vocabulary };

/** The features that the algorithm reads: those of items as they are, those of users by their form alone. Throws CONFIG where there are none. */
export const featuresRead = (
  { algorithm: name }: Config,
  { name: data, itemFeatures = [], userFeatures = [] }: Dataset,
): Pick<World, 'itemFeatures' | 'userFeatures'> => {
  const { name: algorithm, traits } = chosen(ALGORITHM, name).definition;
  const of = { items: itemFeatures, users: userFeatures };
  const missing = traits.features.find((kind) => of[kind].length === 0);
  if (missing !== undefined)
    throw badInput('CONFIG', 'key features', `features of ${missing}, as ${algorithm} reads them`, `none in ${data}`);
  return {
    ...(traits.features.includes('items') && { itemFeatures }),
    ...(traits.features.includes('users') && { userFeatures: userFeatures.map(formOf) }),
  };
};

/** What an algorithm or a central model can learn from. */
const abilitiesOf = (config: Config): { readonly name: string; readonly feedback: string; readonly coldUsers: boolean } => {
  if (!isCentral(config)) {
    const { name, traits } = chosen(ALGORITHM, config.algorithm).definition;
    return { name, ...traits };
  }
  const { name, traits } = chosen(MODEL, config.algorithm).definition;
  return { name, feedback: traits.task === 'rating' ? 'explicit' : 'any', coldUsers: false };
};

/** Throws CONFIG for an algorithm or a measure that this dataset cannot serve. */
export const checkServes = (config: Config, { name: data, feedback, roles }: Dataset): void => {
  const { name: algorithm, ...traits } = abilitiesOf(config);
  const { evaluation } = config;
  if (feedback === 'implicit' && traits.feedback === 'explicit')
    throw badInput(
      'CONFIG',
      'key algorithm',
      `one that learns from implicit feedback, as ${data} has no ratings`,
      `${algorithm}, which learns from ratings`,
    );
  if (roles?.users.some((role) => role !== 0) && !traits.coldUsers)
    throw badInput(
      'CONFIG',
      'key algorithm',
      `one that serves cold users, as ${data} is split by users`,
      `${algorithm}, which serves users of its training alone`,
    );
  const rating = evaluation.metrics.find((metric) => metricOf(metric, 'key evaluation.metrics').task === 'rating');
  if (feedback === 'implicit' && rating !== undefined)
    throw badInput(
      'CONFIG',
      'key evaluation.metrics',
      `ranking metrics such as ${IMPLICIT_METRICS.join(', ')}, as ${data} has no ratings`,
      rating,
    );
  if (evaluation.candidates === 'cold' && !roles?.items.some((role) => role !== 0))
    throw badInput('CONFIG', 'key evaluation.candidates', `all, warm or a number, as ${data} has no cold items`, 'cold');
};

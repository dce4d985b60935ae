/** metafleet's public API: everything `metafleet run` is made of. */

export { type ErrorCode, isMetafleetError, MetafleetError } from './base/errors.js';
export type { Dataset, Part, Ratings } from './data/dataset.js';
export { type LoadOptions, loadDataset } from './data/load.js';
export type { EpochFinished, MetricValues, Score } from './events/evaluation.js';
export { BUDGET_BOUNDS } from './events/outcomes.js';
export type { RoundFinished } from './events/round.js';
export type { RunEvent } from './events/run-event.js';
export { type Config, PRESETS } from './runs/config/config.js';
export { flagSource, presetSource, printConfig, resolveConfig, yamlSource } from './runs/config/parse-config.js';
export { measureBaselines } from './runs/trainer/baselines.js';
export { type Outcome, type Run, type RunOptions, startRun } from './runs/trainer/run.js';

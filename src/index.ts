/** metafleet's public API: everything `metafleet run` is made of. */
export { type BaselineErrors, measureBaselines } from './algorithms/baselines/baselines.js';
export { type ErrorCode, isMetafleetError, MetafleetError } from './base/errors.js';
export { BUDGET_BOUNDS, type EpochFinished, type RoundFinished, type RunEvent, type Score } from './coordinator/events.js';
export type { Dataset, Part, Ratings } from './data/dataset.js';
export { type LoadOptions, loadDataset } from './data/load.js';
export { type Config, PRESETS } from './simulation/config.js';
export { flagSource, presetSource, printConfig, resolveConfig, yamlSource } from './simulation/parse-config.js';
export { type Outcome, type Run, type RunOptions, startRun } from './simulation/run.js';

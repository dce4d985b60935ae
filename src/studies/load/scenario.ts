import { z } from 'zod';
import { badInput } from '../../base/errors.js';
import { lengthOf, RAMPED, type Stage, type Stages, type StageUnit } from '../../coordinator/stages.js';
import { type Config, PRESETS } from '../../runs/config/config.js';
import {
  type ConfigSource,
  flagSource,
  presetSource,
  refuseIdleSettings,
  resolveConfig,
  schemaError,
  treeOf,
  yamlSource,
} from '../../runs/config/parse-config.js';
import { loadMetricsOf } from './load-metrics.js';
import { parseThreshold, type Threshold } from './thresholds.js';

/**
 * A load test, as a file.
 *
 *   base           configuration keys of the run, as in `run --config`; `preset` its starting point
 *   stages         { for, devices, cohort, arrivals }: `for` is rounds (`20 rounds`), virtual time (`6 h`) or wall time (`10 min wall`)
 *   perturbations  what goes wrong: the keys of the section of that name
 *   thresholds     metric → what must hold of it at the end, in k6's manner
 *   reference      configuration keys of a run to be made first; `mse_ratio` is the test MSE over its, and so for each metric
 */
const keysAndValues = z.record(z.string(), z.unknown());
const amount = z.number().positive();

const stageSchema = z.strictObject({
  for: z.string().min(1),
  devices: z.int().min(1).optional(),
  cohort: z.int().min(1).optional(),
  arrivals: amount.optional(),
});

const scenarioSchema = z.strictObject({
  description: z.string().optional(),
  preset: z.enum(Object.keys(PRESETS)).default('default'),
  base: keysAndValues.default({}),
  stages: z.array(stageSchema).default([]),
  perturbations: keysAndValues.default({}),
  thresholds: z.record(z.string(), z.array(z.string()).min(1)),
  reference: keysAndValues.optional(),
});

export type Scenario = {
  readonly description: string;
  readonly config: Config;
  readonly thresholds: readonly Threshold[];
  /** The run that ratios such as `mse_ratio` compare with. */
  readonly reference?: Config;
};

export type ScenarioChanges = {
  /** Length of all stages together, such as `10 min wall`; their proportions stay. */
  readonly duration?: string;
  /** Configuration keys with text values, over the file's. */
  readonly set: Readonly<Record<string, string>>;
};

const SPAN = /^(\d+(?:\.\d+)?)\s*(rounds?|s|min|h|d)(\s+wall)?$/;
const SECONDS: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600, d: 86_400 };

type Span = { readonly unit: StageUnit; readonly length: number };

const parseSpan = (text: string, place: string): Span => {
  const [, number, unit = '', wall] = SPAN.exec(text.trim()) ?? [];
  const isRounds = unit.startsWith('round');
  if (number === undefined || (isRounds && wall !== undefined))
    throw badInput('CONFIG', place, '"20 rounds", virtual time such as "6 h", or wall time such as "10 min wall"', JSON.stringify(text));
  if (isRounds) return { unit: 'rounds', length: Math.round(Number(number)) };
  return { unit: wall === undefined ? 'virtual' : 'wall', length: Number(number) * SECONDS[unit]! };
};

const stagesOf = (stages: readonly z.infer<typeof stageSchema>[], place: ConfigSource['place']): Stages => {
  const spans = stages.map((stage, index) => parseSpan(stage.for, place(['stages', index, 'for'])));
  const unit = spans[0]?.unit ?? 'rounds';
  const other = spans.findIndex((span) => span.unit !== unit);
  if (other >= 0) throw badInput('CONFIG', place(['stages', other, 'for']), `${unit}, as in the first stage`, spans[other]!.unit);
  const list = stages.map((stage, index): Stage => {
    const ramped = RAMPED.flatMap((key) => (stage[key] === undefined ? [] : [[key, stage[key]] as const]));
    return { length: spans[index]!.length, ...Object.fromEntries(ramped) };
  });
  return { unit, list };
};

const stretch = (stages: Stages, duration: string): Stages => {
  const place = 'flag --duration';
  const { unit, length } = parseSpan(duration, place);
  const total = lengthOf(stages);
  if (total === 0) throw badInput('CONFIG', place, 'a scenario with stages', 'one without');
  if (unit !== stages.unit) throw badInput('CONFIG', place, `${stages.unit}, as the scenario's stages`, unit);
  const scaled = stages.list.map((stage) => ({ ...stage, length: (stage.length * length) / total }));
  return { unit, list: unit === 'rounds' ? scaled.map((stage) => ({ ...stage, length: Math.round(stage.length) })) : scaled };
};

/** A run that its stages end: not its epochs, nor its patience. */
const UNENDING = { epochs: 1_000_000, patience: 0 };

/** What only compares the run with others costs time that is not its own. */
const LOAD_DEFAULTS = { baselines: false, checkpoint: { best: false } };

/** Reads a scenario. Throws CONFIG naming `file:line`, the key, what was expected and what was found. */
export const parseScenario = (text: string, file: string, { duration, set }: ScenarioChanges = { set: {} }): Scenario => {
  const source = yamlSource(text, file);
  const parsed = scenarioSchema.safeParse(source.tree);
  if (!parsed.success) throw schemaError(parsed.error, source, Object.keys(scenarioSchema.shape));
  if (Object.keys(parsed.data.thresholds).length === 0)
    throw badInput('CONFIG', source.place(['thresholds']), 'at least one threshold: what must hold at the end', 'none');
  const { description = '', preset, base, perturbations, thresholds, reference } = parsed.data;
  const asWritten = stagesOf(parsed.data.stages, source.place);
  const stages = duration === undefined ? asWritten : stretch(asWritten, duration);
  const rounds = stages.unit === 'rounds' ? { rounds: lengthOf(stages) } : {};
  const plain = (tree: ConfigSource['tree']): ConfigSource => ({ tree, place: (path) => source.place(path) });
  const sources: ConfigSource[] = [
    presetSource(preset),
    plain(LOAD_DEFAULTS),
    { tree: treeOf(base), place: (path) => source.place(['base', ...path]) },
    plain(treeOf({ perturbations })),
    ...(stages.list.length === 0 ? [] : [plain({ ...UNENDING, ...rounds, stages })]),
  ];
  const changed = flagSource(set);
  const over: ConfigSource = { tree: changed.tree, place: (path) => `flag --set ${path.join('.')}` };
  const config = resolveConfig(...sources, over);
  refuseIdleSettings([config], [over]);
  const facts = loadMetricsOf(config.evaluation.metrics);
  return {
    description,
    config,
    thresholds: Object.entries(thresholds).flatMap(([metric, texts]) =>
      texts.map((one, index) => parseThreshold(facts, metric, one, source.place(['thresholds', metric, index]))),
    ),
    ...(reference === undefined
      ? {}
      : { reference: resolveConfig(...sources, over, { tree: treeOf(reference), place: (path) => source.place(['reference', ...path]) }) }),
  };
};

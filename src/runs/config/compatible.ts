import { ALGORITHM } from '../../algorithms/registry.js';
import { badInput } from '../../base/errors.js';
import { AGGREGATOR } from '../../coordinator/aggregation/registry.js';
import { AS_CONFIGURED } from '../../updates/encoding.js';
import { UPDATE_STEP } from '../../updates/registry.js';
import type { Encoding } from '../../updates/update-step.js';
import type { Config } from './config.js';
import { chosen, setupOf } from './definitions.js';
import { noisySteps } from './noise.js';

type Chosen = Pick<Config, 'algorithm' | 'aggregation' | 'updates' | 'defence' | 'policy' | 'dtype' | 'delivery' | 'perturbations'> &
  Readonly<Record<string, unknown>>;

const checkAggregation = ({ algorithm: name, aggregation }: Chosen): void => {
  const algorithm = chosen(ALGORITHM, name).definition;
  const aggregator = chosen(AGGREGATOR, aggregation).definition;
  if (algorithm.traits.aggregation === 'sum' || aggregator.traits.leaves === 'updates') return;
  const others = AGGREGATOR.builtIns.filter(({ traits }) => traits.leaves === 'updates').map((known) => known.name);
  const reason = `as ${algorithm.name} needs every update by itself and ${aggregator.name} leaves a sum`;
  throw badInput('CONFIG', 'key aggregation', `one of ${others.join(', ')}, ${reason}`, aggregation);
};

const checkUpdates = ({ algorithm: name, updates, defence }: Chosen): void => {
  const algorithm = chosen(ALGORITHM, name).definition;
  const steps = updates.map((step) => chosen(UPDATE_STEP, step).definition);
  for (const [at, { name: step, traits }] of steps.entries()) {
    if (steps.findIndex((other) => other.name === step) < at)
      throw badInput('CONFIG', 'key updates', 'each step once', `${updates[at]} twice`);
    if (traits.requires === 'sum' && algorithm.traits.aggregation === 'each') {
      const reason = `as ${step} leaves a sum and ${algorithm.name} needs every update by itself`;
      throw badInput('CONFIG', 'key updates', `steps that leave single updates, ${reason}`, updates[at]!);
    }
    const bounded = (['normMultiple', 'mostNorm'] as const).find((key) => defence[key] > 0);
    if (traits.hides.includes('norms') && bounded !== undefined)
      throw badInput('CONFIG', `key defence.${bounded}`, `0, as ${step} hides the norms of updates`, String(defence[bounded]));
  }
};

const refuse = (key: string, expected: string, found: unknown): Error => badInput('CONFIG', `key ${key}`, expected, String(found));

/** Server halves of steps count every update once, and take the plain sum of a cohort's. */
const checkServerSteps = ({ aggregation, updates, policy, defence }: Chosen): void => {
  const step = updates.find((name) => chosen(UPDATE_STEP, name).definition.onServer !== undefined);
  if (step === undefined) return;
  if (aggregation !== 'mean') throw refuse('aggregation', `mean, as ${step} takes the sum of all updates`, aggregation);
  if (policy.kind === 'buffered') throw refuse('policy.kind', `another kind, as ${step} counts every update once`, policy.kind);
  if (defence.normMultiple > 0)
    throw refuse('defence.normMultiple', `0, as ${step} allows no update to decide on another`, defence.normMultiple);
};

/** Noise guarantees something only for a bound that holds when it is added. */
const checkNoise = (config: Chosen): void => {
  const steps = noisySteps(config, config.updates);
  const noisy = steps.flatMap(({ spend }, index) => (spend === undefined || spend.kind === 'marks' ? [] : [{ index, spend }]));
  if (noisy.length > 1) throw refuse('updates', 'one step that adds noise', noisy.map(({ index }) => config.updates[index]).join(', '));
  const [found] = noisy;
  if (found === undefined) return;
  const { index, spend } = found;
  const name = config.updates[index]!;
  const norm = spend.kind === 'laplace' ? 'l1' : 'l2';
  const last = steps.slice(0, index).findLastIndex(({ bounds }) => bounds !== null);
  const between = steps.slice(last + 1, index).findIndex(({ definition }) => definition.traits.sends !== 'masked');
  if (last >= 0 && steps[last]!.bounds !== norm) throw refuse('clip.norm', `${norm}, which ${name} is scaled by`, steps[last]!.bounds);
  if (last >= 0 && between >= 0)
    throw refuse('updates', `${name} right behind ${config.updates[last]}`, config.updates[last + 1 + between]);
  const isAdaptive = steps.some(({ spend: other }) => other?.kind === 'marks');
  if (spend.where === 'device' && isAdaptive)
    throw refuse('updates', `no adaptive-clip with ${name}: its marks have no noise on the device`, 'both');
  if (spend.where === 'device') return;
  if (last < 0) throw refuse('updates', `clip or adaptive-clip before ${name}`, config.updates.join(', '));
  if (config.dtype !== 'f32') throw refuse('dtype', `f32, as rounding can lengthen what was clipped for ${name}`, config.dtype);
};

/** Masked vectors add up, and that is all that can be done with them. */
const checkMasked = ({ aggregation, updates, policy, delivery, perturbations }: Chosen): void => {
  const steps = updates.map((name) => chosen(UPDATE_STEP, name).definition);
  const at = steps.findIndex(({ traits }) => traits.sends === 'masked');
  if (at < 0) return;
  const name = updates[at]!;
  const after = steps.slice(at + 1).findIndex(({ onDevice }) => onDevice !== undefined);
  if (after >= 0) throw refuse('updates', `${name} behind all steps on the device`, updates[at + 1 + after]);
  if (aggregation !== 'mean') throw refuse('aggregation', `mean, as ${name} leaves no single update`, aggregation);
  if (policy.kind === 'buffered') throw refuse('policy.kind', `another kind, as ${name} sums the updates of one cohort`, policy.kind);
  if (delivery !== 'full') throw refuse('delivery', `full, as a device that asks for rows tells what ${name} hides`, delivery);
  for (const key of ['byzantine', 'corrupted', 'duplicated'] as const)
    if (perturbations[key] > 0)
      throw refuse(`perturbations.${key}`, `0, as ${name} lets nobody tell one update from another`, perturbations[key]);
};

/** How each step of a run has updates travel. */
const encodingsOf = (config: Chosen): readonly Encoding[] =>
  config.updates.map((name) => {
    const { definition } = chosen(UPDATE_STEP, name);
    return definition.encoding?.(definition.options.parse(setupOf(config, UPDATE_STEP, name).options)) ?? AS_CONFIGURED;
  });

/** Numbers that were left out must stay so, and those that were rounded, too. */
const checkSmall = (config: Chosen): void => {
  const { updates, aggregation } = config;
  const encodings = encodingsOf(config);
  const steps = noisySteps(config, updates);
  const sparse = encodings.findIndex((encoding) => encoding.sparse);
  const rounded = encodings.findIndex(({ dtype }) => dtype !== null);
  const small = updates[Math.max(sparse, rounded)];
  if (small === undefined) return;
  const name = updates[sparse]!;
  const masked = steps.findIndex(({ definition }) => definition.traits.sends === 'masked');
  if (masked >= 0)
    throw refuse('updates', `no ${small} with ${updates[masked]}, as every number takes 4 bytes under a mask`, updates.join(', '));
  const after = updates.slice(rounded + 1).find((_, index) => steps[rounded + 1 + index]!.definition.onDevice !== undefined);
  if (rounded >= 0 && after !== undefined)
    throw refuse('updates', `${updates[rounded]} behind all other steps on the device, as they change what it has rounded`, after);
  const second = encodings.findLastIndex((encoding) => encoding.sparse);
  if (second > sparse) throw refuse('updates', 'one step that leaves numbers out', `${name}, ${updates[second]}`);
  const noisy = steps.findIndex(({ spend }) => spend !== undefined && spend.kind !== 'marks');
  const isCentral = steps[noisy]?.spend?.where === 'coordinator';
  if (rounded >= 0 && isCentral)
    throw refuse('updates', `no ${updates[rounded]} with ${updates[noisy]}, as rounding can lengthen what was clipped`, updates.join(', '));
  if (sparse < 0) return;
  if (noisy > sparse && !isCentral)
    throw refuse('updates', `${name} behind ${updates[noisy]}, as noise on every number leaves none to leave out`, updates.join(', '));
  const bound = steps.findLastIndex(({ bounds }) => bounds !== null);
  if (isCentral && bound < sparse)
    throw refuse('updates', `clip between ${name} and ${updates[noisy]}, as what waited on a device lengthens updates`, updates.join(', '));
  if (chosen(AGGREGATOR, aggregation).definition.traits.leaves === 'sum')
    throw refuse('aggregation', `one that leaves updates, as ${name} sends zero for most numbers, which decide here`, aggregation);
};

/** Throws CONFIG for definitions that contradict each other: what one leaves is not what another needs. */
export const checkCompatible = (config: Chosen): void => {
  checkAggregation(config);
  checkUpdates(config);
  checkSmall(config);
  checkServerSteps(config);
  checkMasked(config);
  checkNoise(config);
};

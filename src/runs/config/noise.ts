import type { PrivacySettings } from '../../coordinator/privacy/ledger.js';
import { SAMPLER } from '../../coordinator/sampling/registry.js';
import type { SecureSettings } from '../../coordinator/secure/settings.js';
import type { Sampling } from '../../privacy/accountant/mechanism.js';
import { UPDATE_STEP } from '../../updates/registry.js';
import type { Bound, Spend, UpdateStepDefinition } from '../../updates/update-step.js';
import type { Config } from './config.js';
import { chosen, setupOf } from './definitions.js';

/** A step of a run as its noise is judged: the step before it that bounds updates says what the noise is a multiple of. */
type Step = { readonly definition: UpdateStepDefinition; readonly spend: Spend | undefined; readonly bounds: Bound['norm'] | null };

export const noisySteps = (config: Readonly<Record<string, unknown>>, names: readonly string[]): readonly Step[] =>
  names.map((name) => {
    const { definition } = chosen(UPDATE_STEP, name);
    const { options } = setupOf(config, UPDATE_STEP, name);
    const parsed = definition.options.parse(options);
    const marks = definition.traits.announces === true ? 'l2' : null;
    return { definition, spend: definition.spend?.(parsed), bounds: definition.bound?.(parsed)?.norm ?? marks };
  });

type Noise = Exclude<Spend, { kind: 'marks' }>;

/** Σ of multipliers of Gaussian mechanisms that run together is one mechanism (McMahan et al., "A general approach to adding DP", 2018, section 3). */
const together = (multipliers: readonly number[]): number => multipliers.reduce((sum, one) => sum + one ** -2, 0) ** -0.5;

const samplingOf = ({ sampling, policy }: Config, where: Noise['where']): Sampling => {
  // The coordinator sees who takes part: against it, being drawn by chance hides nothing. Devices at work are not drawn, which is no chance at all.
  if (where === 'device' || policy.kind === 'buffered') return 'none';
  return chosen(SAMPLER, sampling).definition.traits.earns ?? 'none';
};

const protectsOf = (config: Config, where: Noise['where'], steps: readonly Step[], items: number): PrivacySettings['protects'] => {
  if (where === 'coordinator') return steps.some(({ definition }) => definition.traits.sends === 'masked') ? 'sums' : 'shared parameters';
  return config.delivery === 'full' && config.decoys >= items ? 'updates' : 'values of updates';
};

/** What the noise of a configuration is worth, for a dataset of so many items. null: it has none. */
export const privacyOf = (config: Config, items: number): PrivacySettings | null => {
  const steps = noisySteps(config, config.updates);
  const at = steps.findIndex(({ spend }) => spend !== undefined && spend.kind !== 'marks');
  if (at < 0) return null;
  const { kind, where, multiplier } = steps[at]!.spend as Noise;
  const sampling = samplingOf(config, where);
  // Marks are ±1/2 around their middle: a device changes their sum by 1/2.
  const counted = steps.flatMap(({ spend }) => (spend?.kind === 'marks' ? [2 * spend.deviation] : []));
  // Records that are replaced move an update by up to twice the bound. So does the device that takes another's place in a cohort of fixed size.
  const reach = where === 'device' || sampling === 'fixed' ? 2 : 1;
  const isBounded = steps.slice(0, at).some(({ bounds }) => bounds === (kind === 'laplace' ? 'l1' : 'l2'));
  const noise = isBounded ? together([multiplier, ...counted]) / reach : null;
  return { ...config.privacy, kind, noise, sampling, protects: protectsOf(config, where, steps, items) };
};

const WIDE = 1024;

/** The bound of the last step that has one in its options. */
const clipOf = (config: Config): number | undefined =>
  config.updates
    .map((name) => chosen(UPDATE_STEP, name).definition.bound?.(setupOf(config, UPDATE_STEP, name).options)?.most)
    .findLast((most) => most !== undefined);

/** How the updates of a configuration are summed under masks; null: they are not. */
export const secureOf = (config: Config, weighting: SecureSettings['weighting']): SecureSettings | null => {
  const steps = config.updates.map((name) => chosen(UPDATE_STEP, name).definition);
  const at = steps.findIndex(({ traits }) => traits.sends === 'masked');
  if (at < 0) return null;
  const { neighbours, threshold, range } = setupOf(config, UPDATE_STEP, config.updates[at]!).options as Omit<SecureSettings, 'weighting'>;
  const changeSum = steps.some(({ onServer }) => onServer !== undefined);
  return {
    ...{ neighbours, threshold, weighting: changeSum ? 'uniform' : weighting, rowWeights: !changeSum },
    // No number of a clipped update is beyond the bound.
    range: range > 0 ? range : changeSum ? (clipOf(config) ?? WIDE) : WIDE,
    marks: steps.filter(({ traits }) => traits.announces === true).length,
  };
};

import { z } from 'zod';
import type { Random } from '../base/random.js';
import type { Bound, UpdateStepDefinition } from './update-step.js';

const sigma = (of: string) => z.number().min(0).default(0.01).describe(`standard deviation of the noise, as a multiple of ${of}`);
const ofDevice = z.strictObject({
  sigma: sigma('the bound that the step clip leaves'),
  bound: z.number().positive().default(1).describe('norm that the noise is scaled by where no step before it clips'),
});
const ofCoordinator = z.strictObject({ sigma: sigma('the bound that clip or adaptive-clip leaves') });
const ofLaplace = z.strictObject({
  scale: z.number().min(0).default(0.01).describe('scale of the noise, as a multiple of the L1 bound that clip leaves'),
});

/** Laplace(0, 1): the difference of two exponential draws. */
const laplaceOf = ({ uniform }: Random): number => Math.log((1 - uniform()) / (1 - uniform()));

/**
 * x + N(0, σ²S²) on every number that is sent, those of decoy rows included: the Gaussian mechanism on each device. S is the bound of the step
 * clip before it. A device sends no count of records and no loss: the mean counts each update once.
 */
export const noise: UpdateStepDefinition<z.infer<typeof ofDevice>> = {
  name: 'noise',
  version: '2',
  options: ofDevice,
  traits: { hides: ['counts'] },
  spend: ({ sigma: multiplier }) => ({ kind: 'gaussian', where: 'device', multiplier }),
  onDevice:
    ({ sigma: multiplier, bound: own }) =>
    ({ tensors }, { source, bound }) => {
      const deviation = multiplier * (bound?.most ?? own);
      return tensors.map((values) => values.map((value) => value + deviation * source.normal()));
    },
};

/** The Laplace mechanism on each device (Dwork et al., TCC 2006). Every number gets noise of scale b·S. S is the L1 bound of the step clip. */
export const laplace: UpdateStepDefinition<z.infer<typeof ofLaplace>> = {
  name: 'laplace',
  version: '1',
  options: ofLaplace,
  traits: { hides: ['counts'] },
  spend: ({ scale: multiplier }) => ({ kind: 'laplace', where: 'device', multiplier }),
  onDevice:
    ({ scale }) =>
    ({ tensors }, { source, bound }) => {
      const size = scale * (bound?.most ?? 1);
      return tensors.map((values) => values.map((value) => value + size * laplaceOf(source)));
    },
};

const addNormal = (tensors: readonly Float32Array[], deviation: number, source: Random): void => {
  for (const values of tensors) for (let at = 0; at < values.length; at++) values[at]! += deviation * source.normal();
};

const deviationOf = (multiplier: number, bound: Bound | null): number => multiplier * (bound?.most ?? 0);

/**
 * Noise at the coordinator, once, on the sum of a cohort's clipped updates: DP-FedAvg (McMahan et al., ICLR 2018, algorithm 1). The mean divides by the
 * expected cohort and not by those who took part, for rows of items too.
 */
export const centralNoise: UpdateStepDefinition<z.infer<typeof ofCoordinator>> = {
  name: 'central-noise',
  version: '1',
  options: ofCoordinator,
  traits: { hides: [], requires: 'sum' },
  spend: ({ sigma: multiplier }) => ({ kind: 'gaussian', where: 'coordinator', multiplier }),
  onServer: ({ sigma: multiplier }) => ({
    aggregate: ({ tensors }, { bound, source }) => addNormal(tensors, deviationOf(multiplier, bound), source),
  }),
};

import { describe, expect, it } from 'vitest';
import type { OptimizerSetup } from '../../../src/tensor/optimizers/setup.js';
import { ALL, createEngine, SOME } from '../../support/metamf/engine.js';
import { ADDITIONS, EVEN, ODD, PLAIN_ADAM, VARIANTS, WORLD } from '../../support/metamf/fleet.js';
import { createReferenceTrainer, type TensorSetup } from '../../support/metamf/reference-trainer.js';
import type { Theta } from '../../support/metamf/theta.js';
import { expectClose } from '../../support/tensors/closeness.js';
import { BACKENDS, backendOrSkip } from '../../support/tensors/tensorflow-backend.js';

const ROUNDS = 3;
/**
 * Relative to a tensor's largest movement since the start, not to its weights. Adam divides a gradient by its own size.
 * So an entry whose gradient nearly cancels moves as far as any other, with the rounding of the whole sum.
 * The largest error seen is 7e-4 for such entries, else 1e-4.
 */
const TOLERANCE = 2e-3;

const difference = (after: Theta, before: Theta): Theta =>
  Object.fromEntries(Object.entries(after).map(([name, values]) => [name, values.map((value, at) => value - before[name]![at]!)]));

type Optimization = { readonly optimizer: Partial<OptimizerSetup>; readonly setupOf: TensorSetup; readonly clips: boolean };
/** The authors' optimizer: one λ, a second moment per element, clipped. */
const PAPER: Optimization = {
  optimizer: { clip: 5, decay: 1e-3 },
  clips: true,
  setupOf: () => ({ decay: 1e-3, moment: 'element' }),
};
/** The shipped default, unclipped: U and low have their own λ, and each of their tensors has one second moment. */
const SHIPPED: Optimization = {
  optimizer: { clip: 0, decay: 7e-3, decayOf: { low: 6e-2, U: 5e-2 }, tensorMoments: ['low', 'U'] },
  clips: false,
  setupOf: (name) => {
    if (name === 'U') return { decay: 5e-2, moment: 'tensor' };
    return name.startsWith('low.') ? { decay: 6e-2, moment: 'tensor' } : { decay: 7e-3, moment: 'element' };
  },
};

const CASES = [
  ...VARIANTS.flatMap((variant) => [
    { name: `${variant}, all ratings, whole models`, options: { ...ODD, variant }, regime: ALL, ...PAPER },
    { name: `${variant}, some ratings, rows among decoys`, options: { ...ODD, variant }, regime: SOME, ...PAPER },
  ]),
  { name: 'even sizes, one second moment per tensor', options: EVEN, regime: ALL, ...SHIPPED },
  { name: 'odd sizes, one second moment per tensor', options: ODD, regime: ALL, ...SHIPPED },
  { name: 'centred, with item offsets', options: { ...ODD, ...ADDITIONS }, regime: SOME, ...PAPER },
];

describe.each(BACKENDS)('rounds of the engine and a step of MetaMF written with tfjs on %s', (backend) => {
  for (const { name, options, regime, optimizer, setupOf, clips } of CASES) {
    it(`move all of Θ alike: ${name}`, async (ctx) => {
      const tf = await backendOrSkip(ctx, backend);
      const { theta, run, weights, batches, learningRate, close } = await createEngine(options, optimizer, regime);
      const trainer = createReferenceTrainer(tf, WORLD, options, { ...PLAIN_ADAM, ...optimizer }, setupOf, theta);
      for (let round = 1; round <= ROUNDS; round++) {
        const expected = trainer.step(batches(round), learningRate(round));
        const { loss, gradientNorm, clipped, cohort, ratings } = await run(round);

        expect([cohort, ratings]).toEqual([batches(round).length, batches(round).reduce((sum, { batch }) => sum + batch.items.length, 0)]);
        expect([clipped, expected.clipped]).toEqual([clips, clips]);
        expectClose([loss!], [expected.loss], 1e-5, `loss of round ${round}`);
        expectClose([gradientNorm], [expected.gradientNorm], 1e-5, `gradient norm of round ${round}`);
        const moved = difference(weights(), theta);
        const reference = difference(trainer.theta(), theta);
        for (const [tensor, values] of Object.entries(reference))
          expectClose(moved[tensor]!, values, TOLERANCE, `${tensor} after ${round} rounds`);
      }
      await close();
    });
  }
});

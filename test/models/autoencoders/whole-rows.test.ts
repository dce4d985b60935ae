import { describe, expect, it } from 'vitest';
import { cdae } from '../../../src/models/autoencoders/cdae.js';
import { multVae } from '../../../src/models/autoencoders/mult-vae.js';
import {
  createSmall,
  denseRatings,
  expectGradients,
  expectSameAfterResume,
  expectSameAsReference,
  ITEMS,
  type Objective,
  scoresOf,
  smallRatings,
  USERS,
} from '../../support/models/small-model.js';

// Autoencoders of users whose decoder scores every item.

const positives = (): number[][] => denseRatings(smallRatings()).map((row) => row.map((value) => Number(value > 0)));

describe('Mult-VAE', () => {
  const options = { latent: 4, batch: 50, dropout: 0, divergence: 0.3, anneal: 0 };
  const objective: Objective = (tf, { encoder, hiddenBias, decoder, bias }, small) => {
    const x = tf.tensor2d(positives());
    const length = tf.sqrt(tf.maximum(1, tf.sum(x, 1, true)));
    const [mean, logVariance] = tf.split(tf.add(tf.matMul(tf.div(x, length), encoder!), hiddenBias!), 2, 1);
    const epoch = small.epoch(1);
    const source = epoch.random('latent');
    const noise: number[][] = positives().map(() => []);
    for (const user of epoch.users()) for (let k = 0; k < 4; k++) noise[user]!.push(source.normal());
    const z = tf.add(mean!, tf.mul(tf.tensor2d(noise), tf.exp(tf.div(logVariance!, 2))));
    const logits = tf.add(tf.matMul(z, decoder!), bias!);
    const likelihood = tf.sum(tf.mul(x, tf.logSoftmax(logits)));
    const divergence = tf.sum(tf.sub(tf.add(tf.square(mean!), tf.exp(logVariance!)), tf.add(1, logVariance!)));
    return tf.div(tf.sub(tf.mul(0.15, divergence), likelihood), USERS);
  };

  it('steps along the gradient of likelihood and divergence, as tfjs and central differences have it', () =>
    expectGradients(multVae, options, objective, 1));

  it('grows the weight of the divergence over the epochs that are asked for', async () => {
    const losses = async (anneal: number): Promise<number> => (await createSmall(multVae, { ...options, anneal, divergence: 1 })).train(1);
    const [none, half, full] = [await losses(1e6), await losses(2), await losses(0)];
    expect(half - none).toBeCloseTo((full - none) / 2, 4);
    expect(full).toBeGreaterThan(none);
  });

  it('has the same bits after a resume, with dropout', () => expectSameAfterResume(multVae, { latent: 4, batch: 3 }));

  it('trains alike on both implementations of the kernels', () => expectSameAsReference(multVae, { latent: 4, batch: 3 }));
});

describe('CDAE', () => {
  const options = { hidden: 8, batch: 50, dropout: 0 };
  const objective: Objective = (tf, { encoder, hiddenBias, users, decoder, bias }) => {
    const x = tf.tensor2d(positives());
    const length = tf.sqrt(tf.maximum(1, tf.sum(x, 1, true)));
    const hidden = tf.tanh(tf.add(tf.add(tf.matMul(tf.div(x, length), encoder!), users!), hiddenBias!));
    const logits = tf.add(tf.matMul(hidden, decoder!), bias!);
    return tf.div(tf.sum(tf.sub(tf.softplus(logits), tf.mul(x, logits))), USERS);
  };

  it('steps along the gradient of its cross-entropy, as tfjs and central differences have it', () =>
    expectGradients(cdae, options, objective, ITEMS));

  it('has the same bits after a resume, with dropout', () => expectSameAfterResume(cdae, { hidden: 8, batch: 3 }));

  it('trains alike on both implementations of the kernels', () => expectSameAsReference(cdae, { hidden: 8, batch: 3 }));
});

describe.each([
  ['Mult-VAE', multVae, { latent: 4, batch: 3 }],
  ['CDAE', cdae, { hidden: 8, batch: 3 }],
] as const)('%s', (_, definition, options) => {
  it('has the same scores for some items as for all, and no noise in them', async () => {
    const small = await createSmall(definition as typeof cdae, options);
    await small.train(2);
    const users = Uint32Array.of(6, 0, 3);
    const all = new Float32Array(users.length * ITEMS);
    small.model.scoreAll!(users, all);
    for (const [at, user] of users.entries()) {
      const some = await scoresOf(small, user, [8, 0, 4]);
      expect(Array.from(some)).toEqual([8, 0, 4].map((item) => all[at * ITEMS + item]));
    }
    expect(new Set(all).size).toBeGreaterThan(ITEMS);
  });
});

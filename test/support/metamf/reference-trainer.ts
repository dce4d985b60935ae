import type { Tensor, Variable } from '@tensorflow/tfjs';
import type { MetaMFOptions } from '../../../src/algorithms/metamf/options.js';
import type { World } from '../../../src/algorithms/port/definition.js';
import type { OptimizerSetup } from '../../../src/tensor/optimizers/setup.js';
import type { Tensorflow } from '../../../src/tensor/tfjs.js';
import { cohortLoss, type DeviceBatch, differentiate, type Named, tensorsOf, thetaShapes, valuesOf } from './reference-model.js';
import type { Theta } from './theta.js';

export type ReferenceStep = { readonly loss: number; readonly gradientNorm: number; readonly clipped: boolean };

export type ReferenceTrainer = {
  /** One round on one thread: the mean loss of all batches, its gradient, clipping, L2, Adam. */
  step(batches: readonly DeviceBatch[], learningRate: number): ReferenceStep;
  theta(): Theta;
};

/** What the setup says of one tensor. The names are matched here by hand, so that a test of the matching stays one. */
export type TensorSetup = (name: string) => { readonly decay: number; readonly moment: 'element' | 'tensor' };

type State = { readonly weight: Variable; readonly first: Variable; readonly second: Variable };

/** Trains MetaMF in one place, on all of Θ, as a tutorial would write it. */
export const createReferenceTrainer = (
  tf: Tensorflow,
  world: World,
  options: MetaMFOptions,
  { beta1, beta2, epsilon, clip }: OptimizerSetup,
  setupOf: TensorSetup,
  theta: Theta,
): ReferenceTrainer => {
  const variable = (tensor: Tensor): Variable => tf.variable(tensor);
  const states = Object.entries(tensorsOf(tf, theta, thetaShapes(world, options))).map(([name, tensor]): [string, State] => [
    name,
    { weight: variable(tensor), first: variable(tf.zerosLike(tensor)), second: variable(tf.zerosLike(tensor)) },
  ]);
  const weights = (): Named => Object.fromEntries(states.map(([name, { weight }]) => [name, weight]));
  let steps = 0;

  /** Adam (Kingma & Ba, 2015, algorithm 1), with L2 in the gradient. */
  const adam = (
    { weight, first, second }: State,
    mean: Tensor,
    decay: number,
    moment: 'element' | 'tensor',
    learningRate: number,
  ): void => {
    const gradient = tf.add(mean, tf.mul(weight, decay));
    const square = moment === 'element' ? tf.square(gradient) : tf.mul(tf.onesLike(gradient), tf.mean(tf.square(gradient)));
    first.assign(tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1)));
    second.assign(tf.add(tf.mul(second, beta2), tf.mul(square, 1 - beta2)));
    const firstHat = tf.div(first, 1 - beta1 ** steps);
    const secondHat = tf.div(second, 1 - beta2 ** steps);
    weight.assign(tf.sub(weight, tf.mul(tf.div(firstHat, tf.add(tf.sqrt(secondHat), epsilon)), learningRate)));
  };

  return {
    step: (batches, learningRate) =>
      tf.tidy(() => {
        steps += 1;
        const ratings = batches.reduce((sum, { batch }) => sum + batch.items.length, 0);
        const { value, gradients } = differentiate(
          tf,
          (named) => tf.div(cohortLoss(tf, named, world, options, batches), ratings),
          weights(),
        );
        const squares = Object.values(gradients).map((gradient) => tf.sum(tf.square(gradient)).dataSync()[0]!);
        const gradientNorm = Math.sqrt(squares.reduce((sum, square) => sum + square));
        const clipped = clip > 0 && gradientNorm > clip;
        for (const [name, state] of states) {
          const { decay, moment } = setupOf(name);
          adam(state, tf.mul(gradients[name]!, clipped ? clip / gradientNorm : 1), decay, moment, learningRate);
        }
        return { loss: value.dataSync()[0]!, gradientNorm, clipped };
      }),
    theta: () => structuredClone(valuesOf(weights())),
  };
};

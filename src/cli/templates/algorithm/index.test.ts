import { algorithmConformance } from 'metafleet/testing';
import { expect, it } from 'vitest';
import { algorithm, learn, predict } from './index.js';

// What every algorithm promises: the same plan twice, updates of the right form, no memory shared between devices, and more.
algorithmConformance(algorithm);

// What this algorithm promises.
const STEP = { rate: 0.01, decay: 0.05 };
const MIDDLE = 3;
const RATING = 4.5;
const parts = () => ({
  vectors: Float32Array.of(0.3, -0.2, 0.5, 0.1, 0.4, -0.6),
  biases: Float32Array.of(0.2, -0.1),
  user: Float32Array.of(0.25, 0.7, -0.3, 0.15),
});
/** Of the item in row 1. */
const USED = { vectors: [3, 4, 5], biases: [1], user: [0, 1, 2, 3] } as const;

const lossOf = (given: ReturnType<typeof parts>): number => {
  const error = predict(given, 1, MIDDLE) - RATING;
  const squares = (['vectors', 'biases', 'user'] as const).flatMap((name) => USED[name].map((at) => given[name][at]! ** 2));
  return (error * error + STEP.decay * squares.reduce((sum, square) => sum + square, 0)) / 2;
};

it('steps down the gradient of its loss, as central differences have it', () => {
  const after = parts();
  learn(after, 1, RATING, MIDDLE, STEP);
  for (const name of ['vectors', 'biases', 'user'] as const) {
    for (const at of USED[name]) {
      const [above, below] = [parts(), parts()];
      above[name][at]! += 0.01;
      below[name][at]! -= 0.01;
      const gradient = (lossOf(above) - lossOf(below)) / (above[name][at]! - below[name][at]!);
      expect((parts()[name][at]! - after[name][at]!) / STEP.rate).toBeCloseTo(gradient, 3);
    }
  }
});

it('leaves the rows of other items alone', () => {
  const after = parts();
  learn(after, 1, RATING, MIDDLE, STEP);
  expect(after.vectors.slice(0, 3)).toEqual(parts().vectors.slice(0, 3));
  expect(after.biases[0]).toBe(parts().biases[0]);
});

it('learns a rating that it sees again and again', () => {
  const learned = parts();
  for (let pass = 0; pass < 500; pass++) learn(learned, 1, RATING, MIDDLE, { rate: 0.05, decay: 0 });
  expect(predict(learned, 1, MIDDLE)).toBeCloseTo(RATING, 4);
});

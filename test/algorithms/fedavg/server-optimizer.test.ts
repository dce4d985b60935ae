import { describe, expect, it } from 'vitest';
import {
  createMoments,
  createServerStep,
  keepsFirst,
  keepsSecond,
  SERVER_OPTIMIZERS,
  type ServerOptimizer,
} from '../../../src/algorithms/fedavg/server-optimizer.js';
import { random } from '../../../src/base/random.js';

/** Numbers that are exact in float32, so that steps done by hand are. */
const BY_HAND = { beta1: 0.5, beta2: 0.75, tau: 0.5 } as const;
const of = (...values: number[]): Float32Array => Float32Array.from(values);

/** x after each of some rounds whose mean difference of the only weight is given; x = 1 and η = 2. */
const walked = (kind: ServerOptimizer['kind'], differences: readonly number[]): number[] => {
  const optimizer = { kind, ...BY_HAND };
  const [step, weights, moments] = [createServerStep(optimizer), of(1), createMoments(optimizer, 1)];
  return differences.map((difference) => {
    step(weights, moments, of(3 * difference), { from: 0, end: 1, weight: 3 }, 2);
    return weights[0]!;
  });
};

describe('a server optimizer, by hand', () => {
  it('sgd adds the rate times the mean difference', () => {
    // 1 + 2·1; 3 − 2·0.5
    expect(walked('sgd', [1, -0.5])).toEqual([3, 2]);
  });

  it('momentum adds the rate times a sum of differences that fades', () => {
    // m = 1, then 0.5·1 − 0.5 = 0, then 0.5·0 + 2
    expect(walked('momentum', [1, -0.5, 2])).toEqual([3, 3, 7]);
  });

  it('adagrad divides by the root of the sum of squares, which starts from τ²', () => {
    // m = 0.5, v = 0.25 + 2 = 2.25 for a difference of √2: any square will do, so √2 is taken as its float32.
    const [first] = walked('adagrad', [Math.SQRT2]);
    expect(first).toBeCloseTo(1 + (2 * 0.5 * Math.SQRT2) / (1.5 + 0.5), 6);
    // No difference: m halves, v stays, and the weight still moves.
    const [, second] = walked('adagrad', [Math.SQRT2, 0]);
    expect(second).toBeCloseTo(first! + (2 * 0.25 * Math.SQRT2) / (1.5 + 0.5), 6);
  });

  it('adam divides by the root of a fading mean of squares', () => {
    // m = 0.5·Δ, v = 0.75·0.25 + 0.25·Δ²; Δ² = 3.25 makes v = 1.
    const difference = Math.sqrt(3.25);
    expect(walked('adam', [difference])[0]).toBeCloseTo(1 + (2 * 0.5 * difference) / (1 + 0.5), 6);
  });

  it('yogi moves the mean of squares by a share of the new square, up or down', () => {
    // Up: v = 0.25 + 0.25·3 = 1. Down: a difference of 0.1 leaves v = 1 − 0.25·0.01; none leaves it.
    const up = walked('yogi', [Math.sqrt(3), 0.1, 0]);
    const m = [0.5 * Math.sqrt(3), 0.25 * Math.sqrt(3) + 0.05, 0.125 * Math.sqrt(3) + 0.025];
    const first = 1 + (2 * m[0]!) / 1.5;
    const second = first + (2 * m[1]!) / (Math.sqrt(0.9975) + 0.5);
    const third = second + (2 * m[2]!) / (Math.sqrt(0.9975) + 0.5);
    up.forEach((value, at) => expect(value).toBeCloseTo([first, second, third][at]!, 6));
  });
});

/** Algorithm 2 of Reddi et al. written down once more, one weight at a time, in float64. */
const naive = (optimizer: ServerOptimizer, start: readonly number[], rounds: readonly (readonly number[])[], rate: number): number[] =>
  start.map((x0, i) => {
    const { kind, beta1, beta2, tau } = optimizer;
    let [x, m, v] = [x0, 0, tau * tau];
    for (const round of rounds) {
      const delta = round[i]!;
      if (kind === 'sgd') x += rate * delta;
      else if (kind === 'momentum') {
        m = beta1 * m + delta;
        x += rate * m;
      } else {
        m = beta1 * m + (1 - beta1) * delta;
        if (kind === 'adagrad') v += delta ** 2;
        if (kind === 'adam') v = beta2 * v + (1 - beta2) * delta ** 2;
        if (kind === 'yogi') v -= (1 - beta2) * delta ** 2 * Math.sign(v - delta ** 2);
        x += (rate * m) / (Math.sqrt(v) + tau);
      }
    }
    return x;
  });

describe.each(SERVER_OPTIMIZERS)('the server optimizer %s', (kind) => {
  const optimizer: ServerOptimizer = { kind, beta1: 0.8, beta2: 0.95, tau: 0.01 };
  const source = random(3, kind);
  const normals = (count: number) => Array.from({ length: count }, () => Math.fround(source.normal()));
  const start = normals(7);
  const rounds = Array.from({ length: 12 }, () => normals(7));

  it('goes over twelve rounds as algorithm 2 does', () => {
    const [step, weights, moments] = [createServerStep(optimizer), of(...start), createMoments(optimizer, 7)];
    for (const round of rounds) {
      const squares = step(weights, moments, of(...round), { from: 0, end: 7, weight: 1 }, 0.1);
      expect(squares).toBeCloseTo(
        round.reduce((sum, value) => sum + value ** 2, 0),
        10,
      );
    }
    naive(optimizer, start, rounds, 0.1).forEach((value, i) => expect(weights[i]).toBeCloseTo(value, 5));
  });

  it('goes on from moments that were kept as arrays', () => {
    const [step, weights, moments] = [createServerStep(optimizer), of(...start), createMoments(optimizer, 7)];
    const [half, rest] = [rounds.slice(0, 6), rounds.slice(6)];
    for (const round of half) step(weights, moments, of(...round), { from: 0, end: 7, weight: 1 }, 0.1);
    const kept = structuredClone({ weights, moments });
    const go = (x: Float32Array, m: typeof moments) => {
      for (const round of rest) createServerStep(optimizer)(x, m, of(...round), { from: 0, end: 7, weight: 1 }, 0.1);
      return x;
    };
    expect(go(kept.weights, kept.moments)).toEqual(go(weights, moments));
  });

  it('leaves what is outside its stretch as it is', () => {
    const [step, weights, moments] = [createServerStep(optimizer), of(...start), createMoments(optimizer, 7)];
    step(weights, moments, of(...rounds[0]!), { from: 2, end: 5, weight: 1 }, 0.1);
    const fresh = createMoments(optimizer, 7);
    for (const i of [0, 1, 5, 6]) {
      expect(weights[i]).toBe(start[i]);
      expect([moments.first[i], moments.second[i]]).toEqual([fresh.first[i], fresh.second[i]]);
    }
    for (const i of [2, 3, 4]) expect(weights[i]).not.toBe(start[i]);
  });

  it('keeps the moments it needs, and no others', () => {
    const { first, second } = createMoments(optimizer, 7);
    expect([first.length, second.length]).toEqual([keepsFirst(optimizer) ? 7 : 0, keepsSecond(optimizer) ? 7 : 0]);
    expect([keepsFirst(optimizer), keepsSecond(optimizer)]).toEqual([kind !== 'sgd', !['sgd', 'momentum'].includes(kind)]);
    expect([...second]).toEqual(Array(second.length).fill(Math.fround(0.01 ** 2)));
  });
});

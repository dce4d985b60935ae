import { describe, expect, it } from 'vitest';
import { random } from '../../src/base/random.js';
import { SMALL_ITEMS, SMALL_UP, smallUpdates } from '../../src/conformance/small-updates.js';
import { elements } from '../../src/messages/wire-tensor.js';
import { quantize } from '../../src/updates/quantize.js';
import { largest } from '../../src/updates/select.js';
import { randomK, topK } from '../../src/updates/sparse-steps.js';
import type { SentUpdate, StepContext, StepOutput, UpdateStepDefinition } from '../../src/updates/update-step.js';
import { chiSquare, chiSquareLimit } from '../support/statistics/chi-square.js';

const WIRE = { up: SMALL_UP, items: SMALL_ITEMS };
const tensorsOf = (output: StepOutput): readonly Float32Array[] => ('tensors' in output ? output.tensors : output);
const contextOf = (round: number, state = new Float32Array(0)): StepContext => ({
  source: random(1, 'small', round),
  state,
  bound: null,
  announced: null,
});
const countOf = (tensors: readonly Float32Array[]): number =>
  tensors.reduce((sum, values) => sum + values.filter((value) => value !== 0).length, 0);

describe('the largest numbers', () => {
  it('are those of a sort, of equal ones the first', () => {
    const { integer } = random(3);
    for (let run = 0; run < 300; run++) {
      const tensors = [1, 2, 3].map(() => Float32Array.from({ length: integer(30) }, () => integer(9) - 4));
      const all = tensors.flatMap((values) => Array.from(values));
      if (all.length === 0) continue;
      const count = 1 + integer(all.length);
      const order = all.map((value, at) => ({ size: Math.abs(value), at })).sort((a, b) => b.size - a.size || a.at - b.at);
      const expected = order.slice(0, count).map(({ at }) => at);
      expect([...largest(tensors, count)]).toEqual(expected.sort((a, b) => a - b));
    }
  });
});

/** Σ over rounds of what an item's row, or a dense tensor, was sent. */
const sumsOf = (add: (take: (update: SentUpdate, tensors: readonly Float32Array[]) => void) => void): Map<string, Float64Array> => {
  const sums = new Map<string, Float64Array>();
  add(({ rows }, tensors) => {
    SMALL_UP.forEach(({ name, perRow, shape }, index) => {
      const size = elements(shape);
      (perRow ? [...rows] : [-1]).forEach((item, row) => {
        const sum = sums.get(`${name} ${item}`) ?? new Float64Array(size);
        for (let i = 0; i < size; i++) sum[i]! += tensors[index]![row * size + i]!;
        sums.set(`${name} ${item}`, sum);
      });
    });
  });
  return sums;
};

describe.each([topK, randomK] as readonly UpdateStepDefinition<{ share: number }>[])('$name', (definition) => {
  const step = definition.onDevice!({ share: 0.2 }, WIRE);
  const size = definition.state!({ share: 0.2 }, WIRE)(SMALL_ITEMS);
  const updates = smallUpdates(40, 9);

  it('sends a share of the numbers, and no other number than x + m', () => {
    for (const [at, update] of updates.entries()) {
      const sent = tensorsOf(step(update, contextOf(at, new Float32Array(size))));
      const numbers = update.tensors.reduce((sum, { length }) => sum + length, 0);
      expect(countOf(sent)).toBeLessThanOrEqual(Math.round(0.2 * numbers));
      sent.forEach((values, index) =>
        values.forEach((value, i) => {
          if (value !== 0) expect(value).toBe(update.tensors[index]![i]);
        }),
      );
    }
  });

  it('has sent, with what waits on the device, all of the updates', () => {
    const state = new Float32Array(size);
    const given = sumsOf((take) => updates.forEach((update) => take(update, update.tensors)));
    const sent = sumsOf((take) => updates.forEach((update, at) => take(update, tensorsOf(step(update, contextOf(at, state))))));
    // With a share of 1, everything leaves: updates of zeros for every item bring what waits.
    const rows = Uint32Array.from({ length: SMALL_ITEMS }, (_, item) => item);
    const zeros = SMALL_UP.map(({ perRow, shape }) => new Float32Array(elements(shape) * (perRow ? SMALL_ITEMS : 1)));
    const rest = { count: 1, rows, tensors: zeros };
    const last = sumsOf((take) => take(rest, tensorsOf(definition.onDevice!({ share: 1 }, WIRE)(rest, contextOf(99, state)))));
    for (const [key, total] of given) {
      const both = sent.get(key)!.map((value, i) => value + last.get(key)![i]!);
      both.forEach((value, i) => expect(value).toBeCloseTo(total[i]!, 4));
    }
    expect([...last.values()].some((values) => values.some((value) => value !== 0))).toBe(true);
    expect(state.every((value) => value === 0)).toBe(true);
  });

  it('forgets the shortest rows where there are more than slots', () => {
    const few = new Float32Array(definition.state!({ share: 0.2 }, WIRE)(2));
    for (const [at, update] of updates.entries()) step(update, contextOf(at, few));
    expect(few.every(Number.isFinite)).toBe(true);
    expect(definition.state!({ share: 0.2 }, WIRE)(1e9)).toBe(size);
  });
});

describe('random-k', () => {
  it('chooses every number with the same chance, so that its mean is a share of the update', () => {
    const up = [{ name: 'dense', perRow: false, shape: [40] }];
    const wire = { up, items: 1 };
    const step = randomK.onDevice!({ share: 0.25 }, wire);
    const update = { count: 1, rows: new Uint32Array(0), tensors: [Float32Array.from({ length: 40 }, (_, at) => at + 1)] };
    const counts = new Array<number>(40).fill(0);
    const ROUNDS = 20_000;
    for (let round = 0; round < ROUNDS; round++) {
      const sent = tensorsOf(step(update, contextOf(round, new Float32Array(40))))[0]!;
      sent.forEach((value, at) => {
        if (value === 0) return;
        expect(value).toBe(at + 1);
        counts[at]! += 1;
      });
    }
    // Ten of forty at once: counts vary less than independent draws would, by the factor 1 − 1/4.
    expect(chiSquare(counts, () => ROUNDS / 4) / 0.75).toBeLessThan(chiSquareLimit(39));
  });
});

describe('top-k', () => {
  it('has the largest numbers of the whole update', () => {
    const [update] = smallUpdates(1, 4);
    const sent = tensorsOf(
      topK.onDevice!({ share: 0.3 }, WIRE)(update!, contextOf(1, new Float32Array(topK.state!({ share: 0.3 }, WIRE)(9)))),
    );
    const [kept, others]: [number[], number[]] = [[], []];
    sent.forEach((values, index) =>
      values.forEach((value, i) => (value === 0 ? others : kept).push(Math.abs(update!.tensors[index]![i]!))),
    );
    expect(Math.min(...kept)).toBeGreaterThanOrEqual(Math.max(...others));
  });
});

describe.each([8, 4] as const)('quantize to %d bits', (bits) => {
  const levels = bits === 8 ? 127 : 7;
  const wire = { up: [{ name: 'dense', perRow: false, shape: [200] }], items: 1 };
  const values = Float32Array.from({ length: 200 }, (_, at) => Math.sin(at) * 2 ** (at % 7));
  const update = { count: 1, rows: new Uint32Array(0), tensors: [values] };

  it('is within a step of each number, and on average the number itself', () => {
    const step = quantize.onDevice!({ bits, bucket: 50 }, wire);
    const ROUNDS = 4000;
    const sums = new Float64Array(200);
    const scales = Array.from({ length: 4 }, (_, at) => Math.max(...Array.from(values.subarray(50 * at, 50 * at + 50), Math.abs)) / levels);
    for (let round = 0; round < ROUNDS; round++) {
      const rounded = tensorsOf(step(update, contextOf(round)))[0]!;
      rounded.forEach((value, at) => {
        if (Math.abs(value - values[at]!) > scales[Math.floor(at / 50)]! * (1 + 1e-5)) expect({ at, value }).toBe('within a step');
        sums[at]! += value - values[at]!;
      });
    }
    // Of a part p of a step, the variance is p (1 − p). Squares of means over their variances: 200 of them, as a χ².
    let square = 0;
    let numbers = 0;
    sums.forEach((sum, at) => {
      const scale = scales[Math.floor(at / 50)]!;
      const part = Math.abs(values[at]! / scale) % 1;
      const variance = ROUNDS * scale * scale * part * (1 - part);
      if (part < 1e-3 || part > 1 - 1e-3) return;
      numbers += 1;
      square += (sum * sum) / variance;
    });
    expect(numbers).toBeGreaterThan(150);
    expect(square).toBeLessThan(chiSquareLimit(numbers));
  });

  it('has one scale for a whole tensor where no bucket is given', () => {
    const { grids } = quantize.onDevice!({ bits, bucket: 0 }, wire)(update, contextOf(1)) as Extract<StepOutput, { grids: unknown }>;
    expect(grids[0]!.scales).toHaveLength(1);
    expect(grids[0]!.group).toBe(200);
  });
});

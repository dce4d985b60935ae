import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../src/base/errors.js';
import { random } from '../../src/base/random.js';
import { SMALL_ITEMS, SMALL_UP, smallUpdates } from '../../src/conformance/small-updates.js';
import { adaptiveClip } from '../../src/updates/adaptive-clip.js';
import { clip, lengthOf } from '../../src/updates/clip.js';
import { applySteps as apply, type BoundStep, bindUpdateStep, loadUpdateSteps } from '../../src/updates/device-steps.js';
import { centralNoise, laplace, noise } from '../../src/updates/noise.js';
import type { DeviceStep, SentUpdate, StepContext, StepOutput, UpdateStepDefinition } from '../../src/updates/update-step.js';
import { chiSquare, chiSquareLimit } from '../support/statistics/chi-square.js';
import { binsOf, momentsOf } from '../support/statistics/moments.js';

const WIRE = { up: SMALL_UP, items: SMALL_ITEMS };
const KEY = { seed: 1, round: 2, device: 3 };
const [UPDATE] = smallUpdates(1, 1);
const normOf = (tensors: readonly Float32Array[]): number => Math.hypot(...tensors.flatMap((values) => Array.from(values)));
const load = (...setups: readonly { readonly name: string; readonly options: unknown }[]) => loadUpdateSteps(setups, WIRE);
const applySteps = (steps: readonly BoundStep[], update: typeof UPDATE & object, key: typeof KEY) => apply(steps, update, key).update;
const contextOf = (changes: Partial<StepContext> = {}): StepContext => ({
  source: random(1),
  state: new Float32Array(0),
  bound: null,
  announced: null,
  ...changes,
});
const tensorsOf = (output: StepOutput): readonly Float32Array[] => ('tensors' in output ? output.tensors : output);

describe('clip', () => {
  it('scales a whole update that is too long down to the bound, and leaves a shorter one as it is', () => {
    const norm = normOf(UPDATE!.tensors);
    const clipped = (bound: number) => tensorsOf(clip.onDevice!({ bound, norm: 'l2' }, WIRE)(UPDATE!, contextOf()));
    expect(normOf(clipped(norm / 3))).toBeCloseTo(norm / 3, 4);
    clipped(norm / 3).forEach((values, index) =>
      values.forEach((value, at) => expect(value).toBeCloseTo(UPDATE!.tensors[index]![at]! / 3, 5)),
    );
    expect(clipped(norm * 1.01)).toBe(UPDATE!.tensors);
  });

  it('bounds any update of finite numbers, however long or uneven, in either norm', () => {
    const tensors = fc.array(fc.float32Array({ noNaN: true, noDefaultInfinity: true, maxLength: 40 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(tensors, fc.double({ min: 1e-6, max: 1e6, noNaN: true }), fc.constantFrom('l1', 'l2'), (values, bound, norm) => {
        const update = { count: 1, rows: new Uint32Array(0), tensors: values };
        const left = { tensors: tensorsOf(clip.onDevice!({ bound, norm }, WIRE)(update, contextOf())) };
        expect(lengthOf(left, norm)).toBeLessThanOrEqual(bound);
      }),
      { seed: 7, numRuns: 2000 },
    );
  });
});

describe('adaptive-clip', () => {
  const options = { quantile: 0.8, rate: 0.3, initial: 0.01, deviation: 0 };
  it('clips to the announced bound, and marks updates that were within it', () => {
    const step = adaptiveClip.onDevice!(options, WIRE);
    const norm = normOf(UPDATE!.tensors);
    expect(step(UPDATE!, contextOf({ announced: norm * 1.1 }))).toMatchObject({ mark: 1, tensors: UPDATE!.tensors });
    const clipped = step(UPDATE!, contextOf({ announced: norm / 2 }));
    expect(clipped).toMatchObject({ mark: 0, bound: { norm: 'l2', most: norm / 2 } });
    expect(normOf(tensorsOf(clipped))).toBeCloseTo(norm / 2, 4);
  });

  it('finds the quantile of the norms, from far away', () => {
    const [device, server] = [adaptiveClip.onDevice!(options, WIRE), adaptiveClip.onServer!(options, WIRE)];
    const updates = smallUpdates(200, 5);
    for (let round = 0; round < 200; round++) {
      const announced = server.announced!();
      const marks = updates.reduce((sum, update) => sum + (device(update, contextOf({ announced })) as { mark: number }).mark, 0);
      server.aggregate({ tensors: [], cohort: updates.length }, { source: random(round), marks, bound: null });
    }
    const norms = updates.map(({ tensors }) => normOf(tensors)).sort((a, b) => a - b);
    expect(server.announced!()).toBeGreaterThan(norms[Math.floor(0.75 * norms.length)]!);
    expect(server.announced!()).toBeLessThan(norms[Math.floor(0.85 * norms.length)]!);
  });
});

describe('noise', () => {
  const COUNT = 100_000;
  const zero: SentUpdate = { count: 1, rows: new Uint32Array(0), tensors: [new Float32Array(COUNT)] };
  /** Of as many draws, means lie within 4 standard errors, and 20 bins of equal chance fit. */
  const fits = (values: Float32Array, deviation: number, quantileOf: (value: number) => number): void => {
    const { mean, variance, excess } = momentsOf(values);
    expect(Math.abs(mean)).toBeLessThan((4 * deviation) / Math.sqrt(COUNT));
    expect(Math.abs(variance / deviation ** 2 - 1)).toBeLessThan(4 * Math.sqrt((excess + 2) / COUNT));
    expect(chiSquare(binsOf(values, 20, quantileOf), () => COUNT / 20)).toBeLessThan(chiSquareLimit(19));
  };
  const erf = (x: number): number => {
    const [t, sign] = [1 / (1 + 0.3275911 * Math.abs(x)), Math.sign(x)];
    const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    return sign * (1 - series * Math.exp(-x * x));
  };
  const normal = (deviation: number) => (value: number) => (1 + erf(value / deviation / Math.SQRT2)) / 2;

  it('on the device is N(0, (sigma · bound)²) on every number, of the bound that clip leaves or of its own', () => {
    const step = noise.onDevice!({ sigma: 0.5, bound: 4 }, WIRE);
    fits(tensorsOf(step(zero, contextOf()))[0]!, 2, normal(2));
    fits(tensorsOf(step(zero, contextOf({ bound: { norm: 'l2', most: 6 } })))[0]!, 3, normal(3));
  });

  it('at the coordinator is N(0, (sigma · bound)²) on every number of the sum', () => {
    const tensors = [new Float32Array(COUNT).fill(5)];
    centralNoise.onServer!({ sigma: 2 }, WIRE).aggregate(
      { tensors, cohort: 8 },
      { source: random(3), marks: 0, bound: { norm: 'l2', most: 0.25 } },
    );
    fits(
      tensors[0]!.map((value) => value - 5),
      0.5,
      normal(0.5),
    );
  });

  it('of Laplace has scale · bound as its scale', () => {
    const values = tensorsOf(laplace.onDevice!({ scale: 3 }, WIRE)(zero, contextOf({ bound: { norm: 'l1', most: 0.5 } })))[0]!;
    fits(values, 1.5 * Math.SQRT2, (value) => (value < 0 ? Math.exp(value / 1.5) / 2 : 1 - Math.exp(-value / 1.5) / 2));
  });
});

describe('steps', () => {
  const [first, second] = [
    { name: 'clip', options: { bound: 0.5, norm: 'l2' } },
    { name: 'noise', options: { sigma: 1, bound: 1 } },
  ];

  it('follow one another in the order of the list', async () => {
    const clipped = applySteps(await load(second!, first!), UPDATE!, KEY);
    const noisy = applySteps(await load(first!, second!), UPDATE!, KEY);
    expect(normOf(clipped.tensors)).toBeCloseTo(0.5, 4);
    expect(normOf(noisy.tensors)).toBeGreaterThan(1);
    expect(clipped).toMatchObject({ count: UPDATE!.count, rows: UPDATE!.rows });
  });

  it('draw by seed, name, round and device, and by nothing else', async () => {
    const steps = await load(second!);
    const ZERO = { ...UPDATE!, tensors: UPDATE!.tensors.map((values) => values.map(() => 0)) };
    const draw = (changes: Partial<typeof KEY> = {}) => applySteps(steps, UPDATE!, { ...KEY, ...changes }).tensors;
    expect(draw()).toEqual(draw());
    for (const changes of [{ seed: 2 }, { round: 3 }, { device: 4 }]) expect(draw(changes)).not.toEqual(draw());
    const after = applySteps(await load({ name: 'clip', options: { bound: 1, norm: 'l2' } }, second!), ZERO, KEY).tensors;
    expect(after).toEqual(applySteps(steps, ZERO, KEY).tensors);
  });
});

describe('a step of a module', () => {
  const stepOf = (step: DeviceStep): BoundStep => {
    const definition: UpdateStepDefinition = {
      name: 'mine',
      version: '1',
      options: clip.options,
      traits: clip.traits,
      onDevice: () => step,
    };
    return bindUpdateStep(definition, './mine.js', {}, WIRE);
  };
  const said = (step: DeviceStep): string => {
    try {
      stepOf(step).apply(UPDATE!, contextOf(), 9);
    } catch (error) {
      if (isMetafleetError(error, 'MODULE')) return error.message;
      throw error;
    }
    return 'nothing was thrown';
  };

  it.each<readonly [string, DeviceStep, RegExp]>([
    [
      'throws',
      () => {
        throw new Error('no\nmore');
      },
      /it threw: no$/,
    ],
    ['returns nothing', () => undefined as never, /expected a list of 3 tensors, found undefined$/],
    ['leaves a tensor out', ({ tensors }) => tensors.slice(1), /expected a list of 3 tensors, found 2$/],
    ['shortens a tensor', ({ tensors }) => tensors.map((values) => values.slice(1)), /tensor rows: \d+ float32, found \d+ numbers$/],
    [
      'returns other numbers',
      ({ tensors }) => tensors.map((values) => Array.from(values)) as never,
      /tensor rows: \d+ float32, found object$/,
    ],
    ['returns NaN', ({ tensors }) => tensors.map((values) => values.map(() => Number.NaN)), /tensor rows: finite numbers, found NaN$/],
    [
      'returns no scales of its grids',
      ({ tensors }) => ({ tensors, grids: [] }),
      /grids: for each tensor, a scale for each group of numbers/,
    ],
    ['returns a mark that is none', ({ tensors }) => ({ tensors, mark: 2 }), /mark: a number from 0 to 1, found 2$/],
  ])('that %s ends in one line with module, hook and device', (_, step, line) => {
    expect(said(step)).toMatch(/^\.\/mine\.js, hook onDevice, device 9: /);
    expect(said(step)).toMatch(line);
  });

  it('that travels as nothing known ends in one line', () => {
    const definition = { ...clip, encoding: () => ({ sparse: true, dtype: 'int3' as never }) } as UpdateStepDefinition;
    expect(() => bindUpdateStep(definition, './mine.js', { bound: 1, norm: 'l2' }, WIRE)).toThrow(
      /encoding: sparse, and a dtype of f32, .* found true, int3$/,
    );
  });

  it('works on copies', () => {
    const before = structuredClone(UPDATE!);
    stepOf(({ rows, tensors }) => {
      rows.fill(0);
      return tensors.map((values) => values.fill(0));
    }).apply(UPDATE!, contextOf(), 9);
    expect(UPDATE!).toEqual(before);
  });
});

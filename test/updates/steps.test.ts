import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../src/base/errors.js';
import { random } from '../../src/base/random.js';
import { SMALL_ITEMS, SMALL_UP, smallUpdates } from '../../src/conformance/small-updates.js';
import { clip } from '../../src/updates/clip.js';
import { noise } from '../../src/updates/noise.js';
import { applySteps, type BoundStep, bindUpdateStep, loadUpdateSteps } from '../../src/updates/registry.js';
import type { DeviceStep, UpdateStepDefinition } from '../../src/updates/update-step.js';

const WIRE = { up: SMALL_UP, items: SMALL_ITEMS };
const KEY = { seed: 1, round: 2, device: 3 };
const [UPDATE] = smallUpdates(1, 1);
const normOf = (tensors: readonly Float32Array[]): number => Math.hypot(...tensors.flatMap((values) => Array.from(values)));
const load = (...setups: readonly { readonly name: string; readonly options: unknown }[]) => loadUpdateSteps(setups, WIRE);

describe('clip', () => {
  it('scales a whole update that is too long down to the bound, and leaves a shorter one as it is', () => {
    const norm = normOf(UPDATE!.tensors);
    const apply = (bound: number) => clip.onDevice({ bound }, WIRE)(UPDATE!, { source: random(1) });
    expect(normOf(apply(norm / 3))).toBeCloseTo(norm / 3, 4);
    apply(norm / 3).forEach((values, index) =>
      values.forEach((value, at) => expect(value).toBeCloseTo(UPDATE!.tensors[index]![at]! / 3, 5)),
    );
    expect(apply(norm * 1.01)).toBe(UPDATE!.tensors);
  });
});

describe('noise', () => {
  it('adds N(0, (sigma · bound)²) to every number', () => {
    const zero = { ...UPDATE!, tensors: [new Float32Array(20_000)] };
    const [values] = noise.onDevice({ sigma: 0.5, bound: 4 }, WIRE)(zero, { source: random(1) });
    const mean = values!.reduce((sum, value) => sum + value, 0) / values!.length;
    const variance = values!.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values!.length;
    expect(Math.abs(mean)).toBeLessThan(0.06);
    expect(Math.sqrt(variance)).toBeCloseTo(2, 1);
    expect(values!.some((value) => value === 0)).toBe(false);
  });
});

describe('steps', () => {
  const [first, second] = [
    { name: 'clip', options: { bound: 0.5 } },
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
    const draw = (changes: Partial<typeof KEY> = {}) => applySteps(steps, UPDATE!, { ...KEY, ...changes }).tensors;
    expect(draw()).toEqual(draw());
    for (const changes of [{ seed: 2 }, { round: 3 }, { device: 4 }]) expect(draw(changes)).not.toEqual(draw());
    const after = applySteps(await load({ name: 'clip', options: { bound: 1e9 } }, second!), UPDATE!, KEY).tensors;
    expect(after).toEqual(draw());
  });
});

describe('a step of a module', () => {
  const stepOf = (step: DeviceStep): BoundStep => {
    const definition: UpdateStepDefinition = { ...clip, name: 'mine', onDevice: () => step };
    return bindUpdateStep(definition, './mine.js', {}, WIRE);
  };
  const said = (step: DeviceStep): string => {
    try {
      stepOf(step).apply(UPDATE!, random(1), 9);
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
  ])('that %s ends in one line with module, hook and device', (_, step, line) => {
    expect(said(step)).toMatch(/^\.\/mine\.js, hook onDevice, device 9: /);
    expect(said(step)).toMatch(line);
  });

  it('works on copies', () => {
    const before = structuredClone(UPDATE!);
    stepOf(({ rows, tensors }) => {
      rows.fill(0);
      return tensors.map((values) => values.fill(0));
    }).apply(UPDATE!, random(1), 9);
    expect(UPDATE!).toEqual(before);
  });
});

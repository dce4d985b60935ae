import { describe, expect, it, onTestFinished } from 'vitest';
import { maml as definition } from '../../../src/algorithms/maml/maml.js';
import type { MamlOptions } from '../../../src/algorithms/maml/options.js';
import type { ClientUpdate, ServerHalf } from '../../../src/algorithms/port/server.js';
import { deviceId } from '../../../src/base/units.js';
import { takeUpdates } from '../../support/fedavg/aggregate.js';
import { maml, OPTIONS, WORLD } from '../../support/maml/model.js';

const D = 2;

const serverOf = async (over: Partial<MamlOptions> = {}, rounds?: number): Promise<ServerHalf> => {
  const server = await maml({ dimension: D, ...over }).createServer({ seed: 1, threads: 1, ...(rounds === undefined ? {} : { rounds }) });
  onTestFinished(() => server.close());
  return server;
};

const thetaOf = ({ tensors }: ServerHalf): Float32Array[] =>
  tensors.map((tensor) => new Float32Array(Uint8Array.from(tensor.bytes()).buffer));

/** Gradients of one number each: of an item's offset, and of the start's bias. */
const updateOf = (device: number, count: number, row: number, offset: number, bias: number): ClientUpdate => ({
  device: deviceId(device),
  count,
  rows: Uint32Array.of(row),
  tensors: [new Float32Array(D), Float32Array.of(offset), Float32Array.of(bias, 0, 0)],
});

/** The first step of FedAdam on a mean gradient. */
const firstStep = (gradient: number, rate: number): number => {
  const [m, v] = [Math.fround(0.1 * gradient), Math.fround(0.99 * 1e-6 + 0.01 * gradient ** 2)];
  return (-rate * m) / (Math.sqrt(v) + 0.001);
};

const UPDATES = [updateOf(0, 3, 4, 0.5, 1), updateOf(1, 1, 4, 1, -2), updateOf(2, 4, 7, -0.25, 0.5)];

const moved = async (over: Partial<MamlOptions>, rounds?: number, round = 1) => {
  const server = await serverOf(over, rounds);
  const before = thetaOf(server);
  takeUpdates(maml({ dimension: D, ...over }), server, UPDATES);
  server.step(1, round);
  const after = thetaOf(server);
  const change = (tensor: number, at: number): number => after[tensor]![at]! - before[tensor]![at]!;
  return { offsets: [change(1, 4), change(1, 7), change(1, 0)], bias: change(2, 0) };
};

describe('the server half of MAML', () => {
  it.each<readonly [Partial<MamlOptions>, number, number, number]>([
    // Mean gradients: of the two rows, and of the bias.
    [{ weighting: 'uniform', rowWeighting: 'cohort' }, 1.5 / 3, -0.25 / 3, -0.5 / 3],
    [{ weighting: 'uniform', rowWeighting: 'touched' }, 1.5 / 2, -0.25, -0.5 / 3],
    [{ weighting: 'records', rowWeighting: 'cohort' }, 2.5 / 8, -1 / 8, 3 / 8],
    [{ weighting: 'records', rowWeighting: 'touched' }, 2.5 / 4, -0.25, 3 / 8],
  ])('takes a step of Adam down the mean gradient: %j', async (over, first, second, bias) => {
    const found = await moved({ ...over, outerRate: 0.5 });
    [first, second, 0].forEach((gradient, at) => expect(found.offsets[at]).toBeCloseTo(firstStep(gradient, 0.5), 5));
    expect(found.bias).toBeCloseTo(firstStep(bias, 0.5), 5);
    expect(found.offsets[0]).toBeLessThan(0);
    expect(found.offsets[1]).toBeGreaterThan(0);
  });

  it('follows half a cosine over the planned rounds, or over those of its option', async () => {
    const first = (await moved({ outerSchedule: 'constant' })).bias;
    const shares = await Promise.all([
      moved({ outerSchedule: 'cosine' }, 10, 6),
      moved({ outerSchedule: 'cosine', outerAnnealRounds: 4 }, 10, 3),
      moved({ outerSchedule: 'cosine' }, 10, 1),
      moved({ outerSchedule: 'constant' }, 10, 6),
    ]);
    shares.forEach(({ bias }, at) => expect(bias / first).toBeCloseTo([0.5, 0.5, 1, 1][at]!, 3));
  });

  it('starts in the middle of the scale, with zero offsets and learned rates at the inner rate', async () => {
    const [items, offsets, start, rates] = thetaOf(await serverOf({ variant: 'meta-sgd', innerRate: 0.25 }));
    expect(start![0]).toBe(3);
    expect([...offsets!]).toEqual(Array(WORLD.items).fill(0));
    expect([...rates!]).toEqual([0.25, 0.25, 0.25]);
    expect(items!.some((value) => value !== 0) && items!.every((value) => Math.abs(value) < 0.6)).toBe(true);
  });

  it('sends what it learns, and rates for meta-sgd alone', () => {
    const names = (variant: MamlOptions['variant']) => maml({ variant }).wire.down.map(({ name }) => name);
    expect(names('first-order')).toEqual(['items', 'offsets', 'start']);
    expect(names('meta-sgd')).toEqual(['items', 'offsets', 'start', 'rates']);
    expect(maml().wire.up).toEqual(maml().wire.down);
    expect(maml().cost().parameters).toBe((WORLD.items + 1) * 4);
  });
});

describe('its options', () => {
  it('refuse an inner rate by which the bias diverges', () => {
    expect(() => maml({ innerRate: 1 })).toThrow('key maml.innerRate: expected below 1, found 1');
    expect(() => maml({ innerRate: 0.99 })).not.toThrow();
  });

  it('say which of them have no effect', () => {
    expect(definition.unused!({ ...OPTIONS, variant: 'reptile' })).toEqual(['support', 'decay', 'outerAnnealRounds']);
    expect(definition.unused!({ ...OPTIONS, outerSchedule: 'cosine' })).toEqual([]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes, type DeviceId, deviceId, joules, seconds } from '../../../src/base/units.js';
import { isAvailable } from '../../../src/device/hardware/availability.js';
import { advance } from '../../../src/device/hardware/battery.js';
import { createBudgets } from '../../../src/device/hardware/budgets.js';
import type { Battery, DeviceProfile, FleetSetup } from '../../../src/device/hardware/profile.js';
import { attempt, charge } from '../../../src/device/hardware/simulate.js';
import type { Model } from '../../../src/messages/message.js';
import { encodeTensor, shapeOf } from '../../../src/messages/wire-tensor.js';
import { contextFor } from '../../support/coordinator/in-process-coordinator.js';
import { algorithmOf, WORLD } from '../../support/device/small-world.js';

const BATTERY: Battery = { capacity: joules(5000), reserve: 0.2, idle: 0.5, charge: { watts: 3, from: 22, hours: 3 } };

const PROFILE: DeviceProfile = {
  name: 'test',
  memory: bytes(1e6),
  storage: bytes(1e6),
  computeRate: 1e6,
  down: { latency: { median: 0.1, sigma: 0.5 }, bandwidth: { median: 1e5, sigma: 0.5 } },
  up: { latency: { median: 0.1, sigma: 0.5 }, bandwidth: { median: 1e4, sigma: 0.5 } },
  battery: BATTERY,
  energy: { perByteReceived: joules(0.01), perByteSent: joules(0.02), perOperation: joules(1e-3) },
  dataPlan: { bytes: bytes(40_000), period: seconds(86_400) },
};

const setupOf = (changes: Partial<DeviceProfile> = {}, fleet: Partial<FleetSetup> = {}): FleetSetup => ({
  seed: 1,
  profiles: [{ ...PROFILE, ...changes }],
  shares: [1],
  zones: [0],
  startHour: 0,
  availability: { kind: 'always' },
  dropout: { before: 0, during: 0, after: 0 },
  ...fleet,
});

/** Everything at once, in steps of a second. */
const simulated = (battery: Battery, level: number, from: number, to: number): number => {
  let left = level;
  for (let at = from; at < to; at++) {
    const since = (((at - battery.charge.from * 3600) % 86_400) + 86_400) % 86_400;
    const watts = since < battery.charge.hours * 3600 ? battery.charge.watts - battery.idle : -battery.idle;
    left = Math.min(battery.capacity, Math.max(0, left + watts));
  }
  return left;
};

describe('a battery', () => {
  it('is in closed form what it is second by second, over hours and days, empty and full in between', () => {
    const hours = fc.integer({ min: 0, max: 23 });
    fc.assert(
      fc.property(hours, hours, fc.integer({ min: 0, max: 5000 }), fc.nat(300_000), fc.nat(400_000), (from, charge, level, start, span) => {
        const battery = { ...BATTERY, charge: { watts: 3, from, hours: charge } };
        expect(advance(battery, joules(level), start, start + span)).toBeCloseTo(simulated(battery, level, start, start + span), 5);
      }),
      { numRuns: 60 },
    );
  });

  it('costs no more after a thousand years than after a day', () => {
    const level = advance(BATTERY, joules(100), 0, 86_400 * 365_000);
    expect(level).toBeCloseTo(simulated(BATTERY, 100, 0, 86_400 * 9), 5);
  });
});

describe('availability', () => {
  it('swings over the local day between the least and the most', () => {
    const diurnal = { kind: 'diurnal', lowest: 0.1, highest: 0.6, peakHour: 2 } as const;
    const share = (hour: number): number => {
      const there = Array.from({ length: 4000 }, (_, i) => isAvailable(diurnal, 1, deviceId(i), seconds(0), hour * 3600));
      return there.filter(Boolean).length / there.length;
    };
    expect(share(2)).toBeCloseTo(0.6, 1);
    expect(share(14)).toBeCloseTo(0.1, 1);
    expect(share(8)).toBeCloseTo(0.35, 1);
  });

  it('follows a recorded trace to the second, and again in the next period', () => {
    const trace = {
      offsets: Uint32Array.of(0, 2, 3),
      from: Float64Array.of(10, 50, 0),
      to: Float64Array.of(20, 60, 5),
      period: Float64Array.of(100, 30),
    };
    const there = (device: number, at: number) => isAvailable({ kind: 'trace', trace }, 1, deviceId(device), seconds(at), 0);
    expect([9, 10, 19, 20, 55, 60, 109, 110].map((at) => there(0, at))).toEqual([false, true, true, false, true, false, false, true]);
    expect([0, 5, 30, 34, 35].map((at) => there(1, at))).toEqual([true, false, true, true, false]);
    expect(there(2, 10)).toBe(there(0, 10));
  });
});

const modelFor = (round: number, device: DeviceId): Model => {
  const { down: tensors } = algorithmOf().wire;
  const encoded = tensors.map((spec) => {
    const shape = shapeOf(spec, WORLD.items);
    const length = shape.reduce((product, size) => product * size, 1);
    return encodeTensor('f32', shape, [new Float32Array(length).fill(0.1)]);
  });
  return { kind: 'model', round, device, purpose: 'train', rows: null, tensors: encoded };
};

/** One round of a device, as a host plays it: asked, then sent a model if it agrees. */
const play = (
  setup: FleetSetup,
  budgets = createBudgets(WORLD.devices),
  round = 1,
  at = 0,
  { device = deviceId(3), algorithm = algorithmOf() } = {},
) => {
  const context = contextFor({ algorithm });
  const simulation = { setup, budgets };
  const asked = attempt(context, simulation, { kind: 'assign', round, device, purpose: 'train', full: true }, seconds(at), bytes(100));
  const answer = charge(context, simulation, asked, bytes(asked.lost === null ? 60 : 0));
  if (asked.lost !== null || asked.done?.reply.kind !== 'want') return { reply: asked.done?.reply, costs: [answer] };
  const model = modelFor(round, device);
  const sent = model.tensors.flatMap(({ data }) => data).reduce((sum, piece) => sum + piece.length, 200);
  const done = attempt(context, simulation, model, seconds(at + answer.down + answer.up), bytes(sent));
  return {
    reply: done.done?.reply,
    lost: done.lost,
    costs: [answer, charge(context, simulation, done, bytes(done.lost === null ? 900 : 0))],
  };
};

describe('a device with limits', () => {
  it.each([
    ['memory', { memory: bytes(500) }],
    ['storage', { storage: bytes(500) }],
    ['data plan', { dataPlan: { bytes: bytes(3000), period: seconds(86_400) } }],
    ['battery', { energy: { ...PROFILE.energy, perByteReceived: joules(5) } }],
  ] as const)('refuses what exceeds her %s, and says so', (reason, changes) => {
    expect(play(setupOf(changes)).reply).toMatchObject({ kind: 'refuse', reason });
    expect(play(setupOf()).reply).toMatchObject({ kind: 'update' });
  });

  it('counts what it says of itself in what taking part would cost it', () => {
    const algorithm = algorithmOf();
    const { plan, ...half } = algorithm.client();
    const client = { ...half, plan: (...given: Parameters<typeof plan>) => ({ ...plan(...given), context: [new Float32Array(5000)] }) };
    const talkative = {
      ...algorithm,
      wire: { ...algorithm.wire, context: [{ name: 'self', perRow: false, shape: [5000] }] },
      client: () => client,
    };
    const plan20kB = setupOf({ dataPlan: { bytes: bytes(20_000), period: seconds(86_400) } });
    const asked = (of: typeof algorithm, setup: FleetSetup) => play(setup, undefined, 1, 0, { algorithm: of }).reply;
    expect(asked(algorithm, plan20kB)).toMatchObject({ kind: 'update' });
    expect(asked(talkative, plan20kB)).toMatchObject({ kind: 'refuse', reason: 'data plan' });
    expect(asked(talkative, setupOf())).toMatchObject({ kind: 'update' });
  });

  it('takes the time and the energy of what really happened to it', () => {
    const exact = { latency: { median: 0.5, sigma: 0 }, bandwidth: { median: 1000, sigma: 0 } };
    const [asked, trained] = play(setupOf({ down: exact, up: exact })).costs;
    expect(asked).toMatchObject({ down: 0.5 + 0.1, compute: 0, up: 0.5 + 0.06, bytesDown: 100, bytesUp: 60, operations: 0 });
    expect(asked!.energy).toBeCloseTo(100 * 0.01 + 60 * 0.02, 9);
    expect(trained!.down).toBeCloseTo(0.5 + trained!.bytesDown / 1000, 9);
    expect(trained!.compute).toBeCloseTo(trained!.operations / 1e6, 12);
    expect(trained!.operations).toBeGreaterThan(0);
    expect(trained!.energy).toBeCloseTo(trained!.bytesDown * 0.01 + 900 * 0.02 + trained!.operations * 1e-3, 9);
  });

  it('falls silent before, during or after its training, and then sends nothing', () => {
    const with1 = (stage: string) => setupOf({}, { dropout: { before: 0, during: 0, after: 0, [stage]: 1 } });
    expect(play(with1('before')).costs.map(({ lost }) => lost)).toEqual(['before']);
    expect(play(with1('during')).costs.map(({ lost }) => lost)).toEqual([null, 'during']);
    expect(play(with1('after')).costs.map(({ lost }) => lost)).toEqual([null, 'after']);
    const asleep = setupOf({}, { availability: { kind: 'diurnal', lowest: 0, highest: 0, peakHour: 2 } });
    expect(play(asleep).costs).toMatchObject([{ lost: 'unavailable', energy: 0, bytesDown: 0 }]);
  });

  it('never has less than nothing in its battery, nor uses more than its plan, however often it is asked', () => {
    const gaps = fc.array(fc.nat(40_000), { minLength: 5, maxLength: 40 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 3000, max: 60_000 }), fc.double({ min: 0, max: 0.05, noNaN: true }), (waits, plan, perByte) => {
        const energy = { ...PROFILE.energy, perByteReceived: joules(perByte) };
        const setup = setupOf({ energy, dataPlan: { bytes: bytes(plan), period: seconds(86_400) } });
        const budgets = createBudgets(WORLD.devices);
        let at = 0;
        waits.forEach((wait, index) => {
          at += wait;
          for (const { used } of play(setup, budgets, index + 1, at).costs) {
            expect(used.battery).toBeGreaterThanOrEqual(0);
            expect(used.battery).toBeLessThanOrEqual(1);
            expect(used.dataPlan).toBeGreaterThanOrEqual(0);
            expect(used.dataPlan).toBeLessThanOrEqual(1);
          }
        });
      }),
      { numRuns: 25 },
    );
  });

  it('finds in a round that is run again what it had the first time', () => {
    const budgets = createBudgets(WORLD.devices);
    play(setupOf(), budgets, 1, 0);
    const [first, again] = [play(setupOf(), budgets, 2, 500), play(setupOf(), budgets, 2, 500)];
    expect(again.costs).toEqual(first.costs);
    expect(play(setupOf(), budgets, 3, 500).costs.at(-1)!.used.dataPlan).toBeGreaterThan(first.costs.at(-1)!.used.dataPlan);
  });
});

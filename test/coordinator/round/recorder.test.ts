import { describe, expect, it } from 'vitest';
import { bytes, type DeviceId, deviceId, joules, millis, seconds } from '../../../src/base/units.js';
import { createRecorder, MOST_RECORDED, recordedDevices } from '../../../src/coordinator/round/recorder.js';
import { MAP_CELLS } from '../../../src/events/round.js';
import type { DeviceCost } from '../../../src/messages/device-cost.js';
import type { Message, Purpose } from '../../../src/messages/message.js';

const one = deviceId(1);
const two = deviceId(2);
const assign = (device: DeviceId, purpose: Purpose = 'train'): Message => ({ kind: 'assign', round: 1, device, purpose });
const want = (device: DeviceId): Message => ({ kind: 'want', round: 1, device, purpose: 'train', rows: new Uint32Array([1]) });
const model = (device: DeviceId, purpose: Purpose = 'train'): Message => ({
  kind: 'model',
  round: 1,
  device,
  purpose,
  rows: null,
  tensors: [],
});
const update = (device: DeviceId): Message => ({
  kind: 'update',
  round: 1,
  device,
  count: 1,
  loss: 1,
  rows: new Uint32Array([1]),
  tensors: [],
});
const refuse = (device: DeviceId): Message => ({ kind: 'refuse', round: 1, device, reason: 'battery: 3 %' });

/** A recorder whose clock moves a millisecond at each look. */
const recorder = (recorded: readonly DeviceId[]) => {
  let time = 100;
  return createRecorder({ devices: 10, recorded, now: () => time++ });
};
const stepsOf = (flights: readonly { readonly steps: readonly { readonly step: string }[] }[]) =>
  flights.map(({ steps }) => steps.map(({ step }) => step));

describe('the devices that are recorded', () => {
  it('are chosen by the seed alone, distinct and ascending', () => {
    const chosen = recordedDevices(7, 1000, 0.05);
    expect(chosen).toHaveLength(50);
    expect(chosen).toEqual([...new Set(chosen)].sort((a, b) => a - b));
    expect(recordedDevices(7, 1000, 0.05)).toEqual(chosen);
    expect(recordedDevices(8, 1000, 0.05)).not.toEqual(chosen);
  });

  it('are at least one, unless none are wanted, and a bounded number of a large fleet', () => {
    expect(recordedDevices(1, 10, 0.001)).toHaveLength(1);
    expect(recordedDevices(1, 10, 0)).toEqual([]);
    expect(recordedDevices(1, 3, 1)).toEqual([0, 1, 2]);
    expect(recordedDevices(1, 2_000_000, 0.05)).toHaveLength(MOST_RECORDED);
  });
});

describe('a flight recorder', () => {
  it('takes down what recorded devices do, with bytes and times, and nothing of others', () => {
    const record = recorder([one]);
    for (const device of [one, two]) {
      record.message(assign(device), bytes(10), 'down');
      record.message(want(device), bytes(20), 'up');
      record.message(model(device), bytes(300), 'down');
      record.message(update(device), bytes(40), 'up', millis(2.5));
    }
    const [flight, ...others] = record.take().flights;
    expect(others).toEqual([]);
    expect(flight!.device).toBe(one);
    expect(flight!.steps.map(({ millis: _, ...step }) => step)).toEqual([
      { step: 'sampled' },
      { step: 'asked', bytes: 20 },
      { step: 'received', bytes: 300 },
      { step: 'trained', took: 2.5 },
      { step: 'uploaded', bytes: 40 },
    ]);
    const times = flight!.steps.map(({ millis: time }) => time);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBeGreaterThan(0);
    expect(record.take().flights).toEqual([]);
  });

  it('has times to the microsecond, from the first message down', () => {
    let time = 50;
    const record = createRecorder({ devices: 10, recorded: [one], now: () => time });
    record.message(assign(one), bytes(10), 'down');
    time = 51.2344567;
    record.message(want(one), bytes(20), 'up');
    record.message(model(one), bytes(300), 'down');
    time = 54;
    record.message(update(one), bytes(40), 'up', millis(1.0009999));
    const [flight] = record.take().flights;
    expect(flight!.steps.map(({ millis: at, took }) => [at, took])).toEqual([
      [0, undefined],
      [1.234, undefined],
      [1.234, undefined],
      [4, 1.001],
      [4, undefined],
    ]);
    // The next round's begin with its own.
    time = 60;
    record.message(model(one), bytes(300), 'down');
    expect(record.take().flights[0]!.steps.map(({ millis: at }) => at)).toEqual([0, 0]);
  });

  it('takes nothing down of a device whose round it has not seen begin', () => {
    const record = recorder([one]);
    record.message(want(one), bytes(1), 'up');
    record.message(update(one), bytes(1), 'up');
    record.message({ kind: 'score', round: 1, device: one, valid: NOTHING, test: NOTHING }, bytes(1), 'up');
    record.cost(costOf(one, 'during'));
    const { flights, map } = record.take();
    expect(flights).toEqual([]);
    expect([...map.answered]).toEqual([0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  const NOTHING = { count: 0, sums: [] };
  const used = { memory: 0.25, storage: 0, dataPlan: 1.5, battery: 0.1, compute: 0 };
  const left = { memory: 0.75, storage: 1, dataPlan: 0, battery: 0.9 };
  const costOf = (device: DeviceId, lost: DeviceCost['lost'] = null): DeviceCost => ({
    ...{ device, profile: 0, lost, energy: joules(1), used, operations: 1 },
    ...{ down: seconds(1), compute: seconds(2), up: seconds(0), bytesDown: bytes(1), bytesUp: bytes(0) },
  });

  it('has the reason of a refusal and of a silence', () => {
    const record = recorder([one, two]);
    record.message(model(two), bytes(1), 'down');
    record.message(refuse(two), bytes(2), 'up');
    record.cost(costOf(two));
    record.message(assign(one), bytes(1), 'down');
    record.cost(costOf(one, 'during'));
    const flights = record.take().flights;
    expect(flights.map(({ device }) => device)).toEqual([one, two]);
    expect(stepsOf(flights)).toEqual([
      ['sampled', 'dropped'],
      ['sampled', 'received', 'refused'],
    ]);
    expect(flights[1]!.steps[2]).toMatchObject({ reason: 'battery: 3 %', virtual: 3, left });
    expect(flights[0]!.steps[1]).toMatchObject({ reason: 'during', virtual: 3, left });
  });

  it('has what a round took and what is left of its budgets once, with its last step', () => {
    const record = recorder([one]);
    record.message(assign(one), bytes(1), 'down');
    record.message(want(one), bytes(1), 'up');
    record.cost(costOf(one));
    record.message(model(one), bytes(1), 'down');
    record.message(update(one), bytes(1), 'up');
    record.cost({ ...costOf(one), used: { ...used, memory: 0.5 } });
    const [flight] = record.take([{ device: one, step: 'late', reason: '1 s after' }]).flights;
    expect(flight!.steps.map(({ step, virtual, left: some }) => [step, virtual, some?.memory])).toEqual([
      ['sampled', undefined, undefined],
      ['asked', undefined, undefined],
      ['received', undefined, undefined],
      ['trained', undefined, undefined],
      ['uploaded', 6, 0.5],
      ['late', undefined, undefined],
    ]);
  });

  it('has what became of an answer, of an earlier round too, and nothing of devices that are not recorded', () => {
    const record = recorder([one]);
    record.message(model(one), bytes(1), 'down');
    record.message(update(one), bytes(1), 'up');
    record.take();
    const [flight, ...others] = record.take([
      { device: one, step: 'rejected', reason: 'stale: too old' },
      { device: two, step: 'rejected', reason: 'norm: too long' },
    ]).flights;
    expect(flight).toMatchObject({ device: one, steps: [{ step: 'rejected', reason: 'stale: too old' }] });
    expect(others).toEqual([]);
  });

  it('leaves measurements out, refusals of them included', () => {
    const record = recorder([one]);
    record.message(assign(one, 'evaluate'), bytes(1), 'down');
    record.message(model(one, 'evaluate'), bytes(1), 'down');
    record.message(refuse(one), bytes(1), 'up');
    expect(record.take().flights).toEqual([]);
  });

  it('starts a device over when its round begins again after a lost host', () => {
    const record = recorder([one]);
    record.message(assign(one), bytes(1), 'down');
    record.message(want(one), bytes(1), 'up');
    record.message(assign(one), bytes(1), 'down');
    record.message(want(one), bytes(1), 'up');
    record.message(model(one), bytes(1), 'down');
    const [flight] = record.take().flights;
    expect(stepsOf([flight!])).toEqual([['sampled', 'asked', 'received']]);
    expect(flight!.steps[0]!.reason).toMatch(/again/);
  });

  it('counts who was asked, not only who was sent a model, where devices are asked; and starts anew with each round', () => {
    const record = recorder([]);
    for (const device of [one, two]) record.message(assign(device), bytes(1), 'down');
    record.message(model(one), bytes(1), 'down');
    expect(Array.from(record.take().map.asked)).toEqual([0, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
    record.message(model(two), bytes(1), 'down');
    expect(Array.from(record.take().map.asked)).toEqual([0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('says nothing of how long a device trained where that is not known', () => {
    const record = recorder([one]);
    record.message(model(one), bytes(1), 'down');
    record.message(update(one), bytes(1), 'up');
    expect(record.take().flights[0]!.steps.find(({ step }) => step === 'trained')).not.toHaveProperty('took');
  });

  it('counts where in the fleet the round is, in either delivery', () => {
    const record = createRecorder({ devices: 2_000_000 });
    const [low, high] = [deviceId(0), deviceId(1_999_999)];
    for (const device of [low, deviceId(1), high]) record.message(model(device), bytes(1), 'down');
    record.message(update(high), bytes(1), 'up');
    const { asked, answered } = record.take().map;
    expect(asked).toHaveLength(MAP_CELLS);
    expect([asked[0], asked[MAP_CELLS - 1], answered[0], answered[MAP_CELLS - 1]]).toEqual([2, 1, 0, 1]);
    for (const message of [assign(low), model(low)]) record.message(message, bytes(1), 'down');
    expect(record.take().map.asked[0]).toBe(1);
    record.message(assign(low, 'evaluate'), bytes(1), 'down');
    expect(record.take().map.asked[0]).toBe(0);
  });
});

import { describe, expect, it } from 'vitest';
import { random } from '../../../src/base/random.js';
import { bytes, type DeviceId, deviceId, joules, seconds } from '../../../src/base/units.js';
import type { ClientTask } from '../../../src/coordinator/round/client-task.js';
import { oort as definition } from '../../../src/coordinator/sampling/oort.js';
import type { DeviceCost } from '../../../src/messages/device-cost.js';

const NO_EXPLORATION = { exploration: 0, leastExploration: 0, cutoff: 0 };
const oortOf = (changes: Readonly<Record<string, number>> = {}, devices = 20) =>
  definition.create(definition.options.parse(changes), {
    ...{ devices, cohort: 5, roundsPerEpoch: 4, activity: new Uint32Array(devices).fill(1), checkIn: () => 'charging' },
    random: (...keys) => random(1, ...keys),
  });

const costOf = (time: number): DeviceCost => ({
  ...{ device: deviceId(0), profile: 0, lost: null, operations: 0, energy: joules(0), bytesDown: bytes(0), bytesUp: bytes(0) },
  ...{ down: seconds(time), compute: seconds(0), up: seconds(0) },
  used: { memory: 0, storage: 0, dataPlan: 0, battery: 0, compute: 0 },
});

/** An update of so much loss (the sum of its squared errors) after so many virtual seconds. */
const updateOf = (device: number, loss: number, time = 1, round = 1): ClientTask => ({
  ...{ device: deviceId(device), round, sent: seconds(0), arrives: seconds(time), cost: costOf(time) },
  outcome: { kind: 'update', loss, update: { device: deviceId(device), count: 1, rows: new Uint32Array(0), tensors: [] } },
});
const droppedOf = (device: number): ClientTask => ({ ...updateOf(device, 0), outcome: { kind: 'dropped', stage: 'during' } });

const choose = (oort: ReturnType<typeof oortOf>, round: number, size: number, busy: readonly number[] = []): readonly DeviceId[] =>
  oort.choose({ round, size, busy: new Set(busy.map(deviceId)), now: seconds(0) });

const learn = (oort: ReturnType<typeof oortOf>, tasks: readonly ClientTask[], round = 1): void => oort.learn(round, tasks, tasks);

/** How often each device is chosen over many rounds that teach nothing. */
const frequency = (oort: ReturnType<typeof oortOf>, size: number, devices: number, from = 2): number[] => {
  const counts = Array<number>(devices).fill(0);
  for (let round = from; round < from + 2000; round++) for (const device of choose(oort, round, size)) counts[device]! += 1 / 2000;
  return counts;
};

describe('oort', () => {
  it('prefers devices whose updates lost most, in proportion to the loss', () => {
    const oort = oortOf(NO_EXPLORATION, 4);
    learn(
      oort,
      [100, 200, 300, 400].map((loss, device) => updateOf(device, loss)),
    );
    frequency(oort, 1, 4).forEach((share, device) => expect(share).toBeCloseTo((device + 1) / 10, 1));
  });

  it('takes nobody far below the edge of the cohort', () => {
    const oort = oortOf({ ...NO_EXPLORATION, cutoff: 0.95 }, 4);
    learn(
      oort,
      [10, 10, 990, 1000].map((loss, device) => updateOf(device, loss)),
    );
    expect(frequency(oort, 1, 4).map((share) => share > 0)).toEqual([false, false, true, true]);
  });

  it('holds slowness against those slower than the median, to the power of the penalty, and favours nobody for speed', () => {
    const times = [1, 1, 1, 2];
    const shares = (penalty: number): number[] => {
      const oort = oortOf({ ...NO_EXPLORATION, penalty }, 4);
      learn(
        oort,
        times.map((time, device) => updateOf(device, 100, device === 0 ? 0.1 : time)),
      );
      return frequency(oort, 1, 4);
    };
    shares(0).forEach((share) => expect(share).toBeCloseTo(1 / 4, 1));
    shares(2).forEach((share, device) => expect(share).toBeCloseTo((device === 3 ? 1 / 4 : 1) / 3.25, 1));
  });

  it('comes back to those it has not asked for long', () => {
    const oort = oortOf(NO_EXPLORATION, 2);
    learn(oort, [updateOf(0, 0.1)], 1);
    learn(oort, [updateOf(1, 0.1)], 1000);
    const bonus = (round: number, last: number): number => Math.sqrt((0.1 * Math.log(round)) / last);
    const shares = Array.from({ length: 2000 }, (_, i) => {
      const [stale, fresh] = [0.1 + bonus(1001 + i, 1), 0.1 + bonus(1001 + i, 1000)];
      return stale / (stale + fresh);
    });
    expect(frequency(oort, 1, 2, 1001)[0]).toBeCloseTo(shares.reduce((sum, share) => sum + share, 0) / 2000, 1);
  });

  it('gives the share it explores with to devices never asked, less from round to round, never under the least', () => {
    const oort = oortOf({ exploration: 0.8, explorationDecay: 0.5, leastExploration: 0.2, cutoff: 0 }, 40);
    learn(
      oort,
      Array.from({ length: 20 }, (_, device) => updateOf(device, 10)),
    );
    const untried = (round: number): number => choose(oort, round, 10).filter((device) => device >= 20).length;
    expect([1, 2, 3, 4, 50].map(untried)).toEqual([8, 4, 2, 2, 2]);
  });

  it('explores no device twice, and every device equally likely', () => {
    const oort = oortOf({ exploration: 1, leastExploration: 1 }, 6);
    learn(oort, [updateOf(0, 1e6), droppedOf(1)]);
    const shares = frequency(oort, 2, 6);
    expect(shares.slice(0, 2)).toEqual([0, 0]);
    for (const share of shares.slice(2)) expect(share).toBeCloseTo(1 / 2, 1);
  });

  it('asks who was tried and never answered only when there is nobody else, and never who is still at work', () => {
    const oort = oortOf(NO_EXPLORATION, 4);
    learn(oort, [updateOf(0, 10), updateOf(1, 10), droppedOf(2), droppedOf(3)]);
    expect(choose(oort, 2, 2)).toEqual([0, 1]);
    expect(choose(oort, 2, 4)).toEqual([0, 1, 2, 3]);
    expect(choose(oort, 2, 4, [1, 2])).toEqual([0, 3]);
  });

  it('counts as slow who takes longer than the median of all times, in whatever order they came', () => {
    const oort = oortOf({ ...NO_EXPLORATION, penalty: 100 }, 5);
    learn(
      oort,
      [9, 1, 5, 5, 20].map((time, device) => updateOf(device, 100, time)),
    );
    // Median 5: who takes 9 or 20 is as good as never chosen, who takes 1 not more often than who takes 5.
    const shares = frequency(oort, 1, 5);
    expect([shares[0], shares[4]]).toEqual([0, 0]);
    for (const device of [1, 2, 3]) expect(shares[device]).toBeCloseTo(1 / 3, 1);
  });

  it('takes the mean of the two middle times of an even number for the median', () => {
    const oort = oortOf({ ...NO_EXPLORATION, penalty: 100 }, 4);
    learn(
      oort,
      [1, 3, 5, 9].map((time, device) => updateOf(device, 100, time)),
    );
    // Median 4: a device that takes 5 counts as slow.
    const shares = frequency(oort, 1, 4);
    expect(shares.slice(2)).toEqual([0, 0]);
    for (const device of [0, 1]) expect(shares[device]).toBeCloseTo(1 / 2, 1);
  });

  it('knows nobody to be slow where no times are known', () => {
    const oort = oortOf({ ...NO_EXPLORATION, penalty: 100 }, 3);
    learn(
      oort,
      [0, 0, 4].map((time, device) => updateOf(device, 100, time)),
    );
    for (const share of frequency(oort, 1, 3)) expect(share).toBeCloseTo(1 / 3, 1);
  });

  it('learns from updates alone, and the newest of each device', () => {
    const oort = oortOf(NO_EXPLORATION, 6);
    learn(oort, [updateOf(2, 7, 3), { ...updateOf(1, 5), cost: null }, droppedOf(4)], 2);
    expect(oort.state()).toEqual({
      known: [
        [1, [5, 2, 0]],
        [2, [7, 2, 3]],
      ],
      tried: [2, 1, 4],
    });
    learn(oort, [updateOf(2, 8, 1)], 5);
    expect(oort.state()).toMatchObject({
      known: [
        [1, [5, 2, 0]],
        [2, [8, 5, 1]],
      ],
    });
  });

  it('takes up no state that it could not have saved', () => {
    const restored = (state: unknown) => oortOf({}, 12).restore(state);
    const whole = { known: [[3, [2.5, 4, 0]]], tried: [3, 11, 0] };
    expect(() => restored(whole)).not.toThrow();
    expect(() => restored({ known: [[0, [0, 1, 0]]], tried: Array(12).fill(1) })).not.toThrow();
    for (const lists of [
      { known: [] },
      { tried: [] },
      { ...whole, known: {} },
      { ...whole, tried: 'abc' },
      { ...whole, tried: Array(13).fill(1) },
    ])
      expect(() => restored(lists)).toThrow('no lists of devices');
    for (const device of [-1, 12, 0.5, '3', null, undefined])
      expect(() => restored({ ...whole, tried: [1, device] })).toThrow('a device that is none');
    const entries = [
      7,
      null,
      [],
      [12, [1, 1, 1]],
      [-1, [1, 1, 1]],
      [3],
      [3, 7],
      [3, [1, 1]],
      [3, [1, 1, 1, 1]],
      [3, [1, 0, 1]],
      [3, [-1, 1, 1]],
    ];
    for (const entry of [...entries, [3, ['1', 1, 1]], [3, [1, 1, Number.NaN]], [3, [Number.POSITIVE_INFINITY, 1, 1]], [3, { length: 3 }]])
      expect(() => restored({ ...whole, known: [entry] }), JSON.stringify(entry)).toThrow('a device of which nothing can be known');
  });

  it('goes on from its saved state as if nothing had happened', () => {
    const oort = oortOf({}, 12);
    learn(oort, [updateOf(3, 10), updateOf(7, 500, 9), droppedOf(2)]);
    const again = oortOf({}, 12);
    again.restore(structuredClone(oort.state()));
    for (let round = 2; round < 30; round++) expect(choose(again, round, 5)).toEqual(choose(oort, round, 5));
    expect(Array.from({ length: 28 }, (_, i) => choose(oortOf({}, 12), i + 2, 5))).not.toEqual(
      Array.from({ length: 28 }, (_, i) => choose(oort, i + 2, 5)),
    );
  });
});

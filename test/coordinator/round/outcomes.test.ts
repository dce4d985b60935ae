import { describe, expect, it } from 'vitest';
import { bytes, deviceId, joules, seconds } from '../../../src/base/units.js';
import type { ClientTask, TaskOutcome } from '../../../src/coordinator/round/client-task.js';
import { outcomesOf, type Played, stalenessOf, verdictsOf, virtualRound } from '../../../src/coordinator/round/outcomes.js';
import { BUDGET_BOUNDS } from '../../../src/events/outcomes.js';
import { bytesOf } from '../../../src/events/traffic.js';
import type { DeviceCost } from '../../../src/messages/device-cost.js';

const UPDATE: TaskOutcome = {
  kind: 'update',
  loss: 1,
  update: { device: deviceId(0), count: 1, rows: new Uint32Array(0), tensors: [] },
};
const OUTCOMES_BY_KIND = {
  update: UPDATE,
  refused: { kind: 'refused', cause: 'battery' },
  dropped: { kind: 'dropped', stage: 'during' },
  rejected: { kind: 'rejected', cause: 'shape' },
} as const;

const costOf = (changes: Partial<DeviceCost> = {}): DeviceCost => ({
  ...{ device: deviceId(0), profile: 0, lost: null, down: seconds(1), compute: seconds(2), up: seconds(4) },
  ...{ bytesDown: bytes(100), bytesUp: bytes(10), operations: 1000, energy: joules(5) },
  used: { memory: 0, storage: 0.01, dataPlan: 0.02, battery: 1, compute: 1.5 },
  ...changes,
});
const task = (device: number, outcome: TaskOutcome, changes: Partial<ClientTask> = {}): ClientTask => ({
  ...{ device: deviceId(device), round: 7, sent: seconds(0), arrives: seconds(10 + device), cost: costOf(), outcome },
  ...changes,
});

/**
 * One of each outcome in time, one of each too late, and one still at work. Device 1's update is thrown away, and 20 is of another profile.
 */
const [ON_TIME, LATE] = [0, 30].map((first) => Object.values(OUTCOMES_BY_KIND).map((outcome, index) => task(first + index, outcome))) as [
  ClientTask[],
  ClientTask[],
];
const THROWN = task(10, UPDATE);
const OTHER = task(20, UPDATE, { cost: costOf({ profile: 1, energy: joules(7), down: seconds(3) }) });
const WORKING = task(40, UPDATE);
const PLAYED: Played = {
  start: seconds(3),
  launched: [...ON_TIME, THROWN, OTHER, ...LATE],
  carried: 1,
  close: { arrived: [...ON_TIME, THROWN, OTHER], late: LATE, inFlight: [WORKING], end: seconds(29) },
  accepted: [ON_TIME[0]!, OTHER],
  rejected: [{ device: THROWN.device, cause: 'norm', text: 'too long' }],
};

describe('the outcomes of a round', () => {
  it('hold every task once, by its cause; silence and faults count whenever they came', () => {
    expect(outcomesOf(PLAYED)).toEqual({
      assigned: 10,
      carried: 1,
      trained: 2,
      refused: { battery: 2 },
      dropped: { during: 2 },
      rejected: { shape: 2, norm: 1 },
      late: 1,
      inFlight: 1,
    });
  });

  it('name no cause that did not occur', () => {
    const close = { arrived: [], late: [], inFlight: [], end: seconds(0) };
    const nothing = { assigned: 0, carried: 0, trained: 0, refused: {}, dropped: {}, rejected: {}, late: 0, inFlight: 0 };
    expect(outcomesOf({ start: seconds(0), launched: [], carried: 0, close, accepted: [], rejected: [] })).toEqual(nothing);
  });

  it('tell recorded devices why their answers did not count: those thrown away, and updates that came late', () => {
    expect(verdictsOf(PLAYED.rejected, PLAYED.close)).toEqual([
      { device: 10, step: 'rejected', reason: 'norm: too long' },
      { device: 30, step: 'late', reason: '11.0 s after the round had ended' },
    ]);
  });

  it('count updates by the age of their models, the oldest together', () => {
    const asked = (...rounds: readonly number[]) => rounds.map((round) => task(0, UPDATE, { round }));
    expect(stalenessOf([], 9)).toEqual([0]);
    expect(stalenessOf(asked(9, 7, 9, 6), 9)).toEqual([2, 0, 1, 1]);
    expect(stalenessOf(asked(1, 23, 24, 22), 40)).toEqual([...Array<number>(16).fill(0), 4]);
    expect(stalenessOf(asked(25), 40)).toEqual([...Array<number>(15).fill(0), 1]);
  });
});

describe('a round in virtual time', () => {
  const round = virtualRound(['phone', 'watch', 'unused'], PLAYED);

  it('has its start, its end, and the times of the answers that arrived in it, silence aside', () => {
    const { start, end, latencies, down, compute, up } = round;
    expect({ start, end, latencies, down, compute, up }).toEqual({
      ...{ start: 3, end: 29, latencies: [7, 7, 7, 7, 9] },
      ...{ down: 7, compute: 10, up: 20 },
    });
  });

  it('has what became of the devices of each profile', () => {
    expect(round.profiles.map(({ budgets: _, ...sums }) => sums)).toEqual([
      {
        ...{ name: 'phone', assigned: 9, trained: 1, refused: 2, dropped: 2, rejected: 3, late: 1 },
        ...{ energy: 45, bytesDown: 900, bytesUp: 90, operations: 9000 },
      },
      {
        ...{ name: 'watch', assigned: 1, trained: 1, refused: 0, dropped: 0, rejected: 0, late: 0 },
        ...{ energy: 7, bytesDown: 100, bytesUp: 10, operations: 1000 },
      },
      {
        ...{ name: 'unused', assigned: 0, trained: 0, refused: 0, dropped: 0, rejected: 0, late: 0 },
        ...{ energy: 0, bytesDown: 0, bytesUp: 0, operations: 0 },
      },
    ]);
  });

  it('has how much of each budget is used, in bins up to and including their bounds, and one for what is beyond', () => {
    const bins = (bin: number, count: number) => Array.from({ length: BUDGET_BOUNDS.length + 1 }, (_, at) => (at === bin ? count : 0));
    expect(round.profiles[0]!.budgets).toEqual({
      memory: bins(0, 9),
      storage: bins(0, 9),
      dataPlan: bins(1, 9),
      battery: bins(BUDGET_BOUNDS.length - 1, 9),
      compute: bins(BUDGET_BOUNDS.length, 9),
    });
    expect(Object.values(round.profiles[2]!.budgets).flat()).toEqual(Array(5 * (BUDGET_BOUNDS.length + 1)).fill(0));
  });
});

it('bytes are summed by direction', () => {
  const row = (direction: 'down' | 'up', count: number) => ({ direction, bytes: count });
  expect(bytesOf([row('down', 1), row('up', 20), row('down', 300)])).toEqual({ down: 301, up: 20 });
  expect(bytesOf([])).toEqual({ down: 0, up: 0 });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes, deviceId, joules, seconds } from '../../../src/base/units.js';
import { type ClientTask, launch, type TaskOutcome } from '../../../src/coordinator/round/client-task.js';
import { judgeNorms, type UpdateTask } from '../../../src/coordinator/round/defence.js';
import { outcomesOf } from '../../../src/coordinator/round/outcomes.js';
import { askedIn, closeRound, weightOf } from '../../../src/coordinator/round/policy.js';
import { POLICIES, type PolicySettings } from '../../../src/coordinator/settings.js';
import type { DeviceCost } from '../../../src/messages/device-cost.js';
import { refusal, settingsOf } from '../../support/coordinator/in-process-coordinator.js';

const policyOf = (kind: PolicySettings['kind']): PolicySettings => ({ ...settingsOf().policy, kind, deadline: seconds(20) });

const updateOf = (device: number, norm = 1, round = 1): UpdateTask => ({
  device: deviceId(device),
  round,
  sent: seconds(0),
  arrives: seconds(1),
  cost: null,
  outcome: {
    kind: 'update',
    loss: 1,
    update: { device: deviceId(device), count: 2, rows: new Uint32Array(0), tensors: [Float32Array.of(2 * norm)] },
  },
});

const taskOutcomes = fc.constantFrom<TaskOutcome>(
  updateOf(0).outcome,
  { kind: 'refused', cause: 'battery' },
  { kind: 'dropped', stage: 'during' },
  { kind: 'rejected', cause: 'shape' },
);

const tasks = fc
  .array(fc.record({ arrives: fc.integer({ min: 1, max: 60 }), outcome: taskOutcomes }), { maxLength: 40 })
  .map((all) => all.map(({ arrives, outcome }, device): ClientTask => ({ ...updateOf(device), arrives: seconds(arrives), outcome })));

const sum = (counts: object): number => Object.values(counts).reduce((total: number, count) => total + Number(count), 0);

describe.each(POLICIES)('a round that ends by %s', (kind) => {
  it('costs for every device once, in the order of virtual time, with no update after its end', () => {
    fc.assert(
      fc.property(tasks, fc.integer({ min: 1, max: 12 }), (all, cohort) => {
        const close = closeRound(policyOf(kind), cohort, all, seconds(0));
        const { arrived, late, inFlight, end } = close;
        const devices = [...arrived, ...late, ...inFlight].map(({ device }) => device);
        expect(devices.toSorted((a, b) => a - b)).toEqual(all.map(({ device }) => device));
        for (const [index, task] of arrived.entries()) {
          expect(task.arrives).toBeLessThanOrEqual(end);
          const before = arrived[index - 1];
          if (before !== undefined)
            expect([before.arrives, before.device] < [task.arrives, task.device] || before.arrives < task.arrives).toBe(true);
        }
        for (const { arrives } of [...late, ...inFlight]) expect(arrives).toBeGreaterThanOrEqual(end);
        if (kind === 'deadline') expect(end).toBeLessThanOrEqual(Math.max(20, all.length === 0 ? 600 : 0));
        const accepted = arrived.filter(({ outcome }) => outcome.kind === 'update');
        if (kind === 'fastest' || kind === 'buffered') expect(accepted.length).toBeLessThanOrEqual(cohort);
        if (kind !== 'buffered') expect(inFlight).toEqual([]);
        const played = { start: seconds(0), launched: all, carried: 0, close, accepted, rejected: [] };
        const outcomes = outcomesOf(played);
        const { trained, refused, dropped, rejected } = outcomes;
        expect(trained + sum(refused) + sum(dropped) + sum(rejected) + outcomes.late + outcomes.inFlight).toBe(all.length);
      }),
    );
  });

  it('lets virtual time pass when there is nobody to wait for', () => {
    expect(closeRound(policyOf(kind), 5, [], seconds(7)).end).toBe(607);
  });
});

describe('how many devices a round asks', () => {
  it('is its cohort, more of them where the round waits for the first, and as many as are missing where some are at work', () => {
    const asked = (kind: PolicySettings['kind'], cohort: number, inFlight: number, changes: Partial<PolicySettings> = {}) =>
      askedIn({ ...policyOf(kind), overSelection: 1.3, concurrency: 10, ...changes }, cohort, inFlight);
    expect(asked('wait-all', 7, 3)).toBe(7);
    expect([asked('deadline', 7, 0), asked('fastest', 7, 0), asked('fastest', 10, 0)]).toEqual([10, 10, 13]);
    expect([0, 4, 10, 12].map((inFlight) => asked('buffered', 7, inFlight))).toEqual([10, 6, 0, 0]);
  });
});

describe('a round', () => {
  const at = (device: number, arrives: number, outcome: TaskOutcome = updateOf(0).outcome): ClientTask => ({
    ...{ ...updateOf(device), arrives: seconds(arrives), outcome },
  });
  const close = (kind: PolicySettings['kind'], cohort: number, tasks: readonly ClientTask[], start = 100) => {
    const { arrived, late, inFlight, end } = closeRound(policyOf(kind), cohort, tasks, seconds(start));
    const devices = (of: readonly ClientTask[]) => of.map(({ device }) => Number(device));
    return { arrived: devices(arrived), late: devices(late), inFlight: devices(inFlight), end: Number(end) };
  };
  const silent: TaskOutcome = { kind: 'dropped', stage: 'during' };

  it('by wait-all takes as long as the last of its devices', () => {
    const tasks = [at(0, 150), at(1, 130), at(2, 700, silent)];
    expect(close('wait-all', 2, tasks)).toEqual({ arrived: [1, 0, 2], late: [], inFlight: [], end: 700 });
  });

  it('by deadline takes what is there by then, to the moment, and ends sooner where everybody is', () => {
    expect(close('deadline', 2, [at(0, 121), at(1, 120), at(2, 110)])).toEqual({ arrived: [2, 1], late: [0], inFlight: [], end: 120 });
    expect(close('deadline', 2, [at(0, 119), at(1, 110)])).toEqual({ arrived: [1, 0], late: [], inFlight: [], end: 119 });
    expect(close('deadline', 2, [at(0, 121)])).toEqual({ arrived: [], late: [0], inFlight: [], end: 120 });
  });

  it('by the fastest ends with the last update it needs, and counts no other event as one', () => {
    const tasks = [at(0, 160), at(1, 110), at(2, 120, silent), at(3, 150), at(4, 170)];
    expect(close('fastest', 2, tasks)).toEqual({ arrived: [1, 2, 3], late: [0, 4], inFlight: [], end: 150 });
    expect(close('fastest', 9, tasks)).toMatchObject({ arrived: [1, 2, 3, 0, 4], late: [], end: 170 });
  });

  it('by the buffer leaves at work who has not arrived', () => {
    const tasks = [at(0, 160), at(1, 110), at(2, 120, silent), at(3, 150), at(4, 170)];
    expect(close('buffered', 2, tasks)).toEqual({ arrived: [1, 2, 3], late: [], inFlight: [0, 4], end: 150 });
  });
});

describe('weights by age', () => {
  it('are 1/√(1 + s), or 1', () => {
    expect([0, 3, 8].map((age) => weightOf(policyOf('buffered'), age))).toEqual([1, 1 / 2, 1 / 3]);
    expect(weightOf({ ...policyOf('buffered'), weighting: 'constant' }, 8)).toBe(1);
  });
});

describe('the norm bound', () => {
  const judge = (offered: readonly UpdateTask[], norms: readonly number[] = [], settings = { normMultiple: 10, mostNorm: 0 }) =>
    judgeNorms(settings, 20, 5, offered, norms);
  const honest = [1, 2, 1.5, 0.5].map((norm, device) => updateOf(device, norm, 5));

  it('throws away an update many times longer than usual, in the first round already, and says why', () => {
    const { accepted, rejected, norms } = judge([...honest, updateOf(9, 1000, 5)]);
    expect(accepted).toEqual(honest);
    expect(rejected).toMatchObject([{ device: 9, cause: 'norm' }]);
    expect(rejected[0]!.text).toMatch(/^update of device 9: expected a norm per rating of at most 15, found 1000$/);
    expect(norms).toEqual([1, 2, 1.5, 0.5]);
  });

  it('goes by what was accepted before, which liars never enter', () => {
    const usual = Array.from({ length: 200 }, () => 1);
    expect(judge([updateOf(1, 1000, 5), updateOf(2, 900, 5), updateOf(3, 1, 5)], usual).rejected.map(({ device }) => device)).toEqual([
      1, 2,
    ]);
    expect(judge(honest, Array(300).fill(1)).norms).toHaveLength(256);
  });

  it('has an absolute form, and none at all', () => {
    expect(judge(honest, [], { normMultiple: 0, mostNorm: 1.2 }).rejected.map(({ device }) => device)).toEqual([1, 2]);
    expect(judge([updateOf(1, 1e30, 5)], [], { normMultiple: 0, mostNorm: 0 }).rejected).toEqual([]);
  });

  it('lets pass what is just as long as may be, and takes the tighter of two bounds', () => {
    const both = { normMultiple: 2, mostNorm: 3 };
    const longerThan = (bound: number, settings: typeof both, usual: number) =>
      judge([updateOf(1, bound, 5), updateOf(2, bound * 1.001, 5)], Array(99).fill(usual), settings).rejected.map(({ device }) => device);
    expect(longerThan(10, { normMultiple: 10, mostNorm: 0 }, 1)).toEqual([2]);
    expect(longerThan(2, both, 1)).toEqual([2]);
    expect(longerThan(3, both, 9)).toEqual([2]);
  });

  it('remembers the newest norms, and those before where there are none', () => {
    const before = Array.from({ length: 256 }, (_, i) => 1 + i / 1000);
    expect(judge(honest, before).norms).toEqual([...before.slice(4), 1, 2, 1.5, 0.5]);
    expect(judge([], before).norms).toBe(before);
    expect(judge(honest, before, { normMultiple: 0, mostNorm: 9 }).norms).toBe(before);
  });

  it('is for the Euclidean norm of all tensors, by the rating', () => {
    const task = updateOf(1, 1, 5);
    const tensors = [Float32Array.of(6, -6), Float32Array.of(3)];
    const long = { ...task, outcome: { ...task.outcome, update: { ...task.outcome.update, count: 3, tensors } } };
    expect(judge([long]).norms).toEqual([3]);
  });

  it('throws away what is older than may be', () => {
    const { accepted, rejected } = judgeNorms({ normMultiple: 0, mostNorm: 0 }, 3, 5, [updateOf(1, 1, 1), updateOf(2, 1, 2)], []);
    expect(rejected).toEqual([{ device: 1, cause: 'stale', text: 'update of device 1: expected a model at most 3 steps old, found 4' }]);
    expect(accepted.map(({ device }) => device)).toEqual([2]);
  });
});

it('a device that takes longer than a silent one is waited for has been given up by then', () => {
  const nothing = { device: deviceId(0), profile: 0, lost: null, compute: seconds(0), up: seconds(0), operations: 0, energy: joules(0) };
  const costOf = (time: number): DeviceCost => ({
    ...{ ...nothing, down: seconds(time), bytesDown: bytes(0), bytesUp: bytes(0) },
    used: { memory: 0, storage: 0, dataPlan: 0, battery: 0, compute: 0 },
  });
  const cohort = [deviceId(0), deviceId(1)];
  const refusals = cohort.map((device) => refusal({ round: 1, device }));
  const costs = new Map(cohort.map((device) => [device, costOf(device === 0 ? 600 : 601)]));
  const delivered = { answers: [], refusals, rowsOf: new Map(), costs, rejected: [], duplicates: 0, generateMillis: 0 };
  const expected = { algorithm: { wire: { down: [], up: [] } }, items: 1, dtype: 'f32' } as const;
  const { tasks } = launch(expected, delivered, { round: 1, cohort, now: seconds(50), timeout: seconds(600) });
  expect(tasks.map(({ arrives, outcome }) => [Number(arrives), outcome.kind])).toEqual([
    [650, 'refused'],
    [650, 'dropped'],
  ]);
});

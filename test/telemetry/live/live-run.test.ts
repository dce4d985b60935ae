import { describe, expect, it } from 'vitest';
import { bytes, joules, millis, seconds } from '../../../src/base/units.js';
import type { Outcomes } from '../../../src/events/outcomes.js';
import { MOST_POINTS } from '../../../src/telemetry/live/history.js';
import { createLiveRun } from '../../../src/telemetry/live/live-run.js';
import { trafficLine } from '../../support/coordinator/samples.js';
import { epochFinished, runStarted } from '../../support/report/run-events.js';
import { round } from '../../support/telemetry/telemetry-events.js';

const NAME = { name: 'one', algorithm: 'metamf', data: 'ml-small' };
const create = () => {
  let time = 0;
  const live = createLiveRun(NAME, { recorded: (devices) => [3, devices - 1], now: () => time });
  return { live, at: (millis: number) => (time = millis) };
};
const refused: Outcomes = {
  assigned: 64,
  carried: 0,
  trained: 60,
  refused: { battery: 3 },
  dropped: {},
  rejected: { norm: 1 },
  late: 0,
  inFlight: 0,
};

describe('the messages to the live page', () => {
  it('is what the run stops on, and of a measure of nothing no value', () => {
    const { live } = create();
    live.observe(runStarted({ metrics: ['mse', 'auc'], stopOn: 'auc' }));
    live.observe(
      epochFinished({ valid: { count: 4, metrics: { mse: 0.5, auc: 0.75 } }, test: { count: 0, metrics: { mse: null, auc: null } } }),
    );
    live.observe(
      epochFinished({ valid: { count: 0, metrics: { mse: null, auc: null } }, test: { count: 1, metrics: { mse: Number.NaN, auc: 0.5 } } }),
    );
    const { run, scores, log } = live.snapshot();
    expect(run).toMatchObject({ stopOn: 'auc', isLoss: false });
    expect(scores.map(({ valid, test }) => [valid, test])).toEqual([
      [
        { mse: 0.5, auc: 0.75 },
        { mse: null, auc: null },
      ],
      [
        { mse: null, auc: null },
        { mse: null, auc: 0.5 },
      ],
    ]);
    expect(log.filter(({ level }) => level === 'good').map(({ text }) => text)).toEqual(['Epoch 1: best validation AUC so far, 0.7500.']);
  });

  it('is of the run as it goes: round, rate, bytes, outcomes, errors, events', () => {
    const { live, at } = create();
    live.observe(runStarted({ devices: 500 }));
    at(1000);
    live.takeFrame();
    for (const number of [1, 2, 3, 4])
      live.observe(
        round(64, {
          round: number,
          retries: 0,
          outcomes: refused,
          millis: millis(10 * number),
          traffic: [trafficLine('model', 'down', 64, 640), trafficLine('update', 'up', 64, 64)],
        }),
      );
    live.observe(epochFinished({ epoch: 1, round: 4, best: true }));
    live.observe({ type: 'host-lost', host: 1, reason: 'it died' });
    at(3000);
    const frame = live.takeFrame();
    expect(frame).toMatchObject({ state: 'running', round: 4, roundsPerSecond: 2, roundMillis: 25, bytes: { down: 2560, up: 256 } });
    expect(frame.totals).toMatchObject({ assigned: 256, trained: 240, refused: { battery: 12 }, rejected: { norm: 4 } });
    expect(frame.added.run).toBeNull();
    expect(frame.added.history.round).toEqual([1, 2, 3, 4]);
    expect(frame.added.scores).toHaveLength(1);
    expect(frame.added.log.map(({ level }) => level)).toEqual(['good', 'bad']);
    expect(live.snapshot()).toMatchObject({
      run: { ...NAME, devices: 500, recorded: 2, examples: [3, 499] },
      history: { round: [1, 2, 3, 4] },
    });
    live.observe({ type: 'run-finished', reason: 'early-stopped', round: 4, epoch: 1, digest: '', millis: millis(1) });
    expect(live.takeFrame()).toMatchObject({ state: 'early-stopped', added: { history: { round: [] }, scores: [] } });
  });

  it('adds up to the same curve, in frames and in a snapshot, and is bounded over any number of rounds', () => {
    const { live } = create();
    live.observe(runStarted());
    let seen: readonly number[] = [];
    for (let number = 1; number <= 10_000; number++) {
      live.observe(round(1, { round: number, loss: number, traffic: [] }));
      if (number % 13 !== 0) continue;
      const { history, whole } = live.takeFrame().added;
      seen = whole ? history.round : [...seen, ...history.round];
    }
    const { history, whole } = live.takeFrame().added;
    seen = whole ? history.round : [...seen, ...history.round];
    const all = live.snapshot().history;
    expect(all.round).toEqual(seen);
    expect(all.round.length).toBeGreaterThan(MOST_POINTS / 2 - 1);
    expect(all.round.length).toBeLessThan(MOST_POINTS);
    // A point is the mean of its rounds: 32 of them, by now.
    expect([all.round[0], all.loss[0]]).toEqual([32, 16.5]);
    expect(JSON.stringify(live.snapshot()).length).toBeLessThan(150_000);
  });

  it('has no more events than fit, and no number that JSON has not', () => {
    const { live } = create();
    live.observe(runStarted());
    for (let host = 0; host < 1000; host++) live.observe({ type: 'host-restored', host, devices: 1 });
    live.observe(round(64, { loss: Number.NaN, gradientNorm: Number.POSITIVE_INFINITY }));
    const { log, frame } = { log: live.takeFrame().added.log, frame: live.snapshot().frame };
    expect(log).toHaveLength(200);
    expect([frame.loss, frame.gradientNorm]).toEqual([null, null]);
  });

  it('shows where in the fleet rounds are, as a share of the busiest cell', () => {
    const { live } = create();
    live.observe(runStarted({ devices: 400 }));
    const map = { asked: Uint32Array.of(0, 100, 200, 50), answered: Uint32Array.of(0, 100, 100, 0) };
    live.observe(round(64, { map }));
    const unpack = (text: string): number[] => [...Buffer.from(text, 'base64')];
    const taken = live.takeFrame().map!;
    expect(taken).toMatchObject({ cells: 4, devices: 400, most: 2 });
    expect([unpack(taken.asked), unpack(taken.missed), unpack(taken.now)]).toEqual([
      [0, 128, 255, 64],
      [0, 0, 128, 255],
      [0, 128, 255, 64],
    ]);
    expect(unpack(live.takeFrame().map!.now)).toEqual([0, 0, 0, 0]);
  });

  it('adds up the classes of devices', () => {
    const { live } = create();
    live.observe(runStarted({ fleet: { policy: 'deadline', profiles: [{ name: 'phone', devices: 9 }] } }));
    const budgets = { memory: [1], storage: [1], dataPlan: [1], battery: [1], compute: [1] };
    const profile = {
      name: 'phone',
      assigned: 5,
      trained: 2,
      refused: 1,
      dropped: 1,
      rejected: 0,
      late: 1,
      energy: joules(3),
      bytesDown: bytes(10),
      bytesUp: bytes(1),
      operations: 1,
      budgets,
    };
    const time = { start: seconds(0), end: seconds(1), latencies: [], down: seconds(0), compute: seconds(0), up: seconds(0) };
    for (const number of [1, 2]) live.observe(round(5, { round: number, virtual: { ...time, profiles: [profile] } }));
    expect(live.takeFrame().profiles).toMatchObject([
      { name: 'phone', devices: 9, assigned: 10, trained: 4, lost: 6, energy: 6, bytes: 22, budgets },
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';

import { millis } from '../../../src/base/units.js';
import type { EpochFinished } from '../../../src/events/evaluation.js';
import type { RunEvent } from '../../../src/events/run-event.js';
import { createSummary } from '../../../src/runs/folder/accounts.js';
import { trafficLine } from '../../support/coordinator/samples.js';
import { facts } from '../../support/report/facts.js';
import { epochFinished, roundFinished, runFinished, runStarted, virtualRound } from '../../support/report/run-events.js';

const sampleProcess = () => ({ wallMillis: 1000, rssPeakBytes: 300e6 });

const run = (from: number, to: number): RunEvent[] => {
  const events: RunEvent[] = [];
  for (let round = from + 1; round <= to; round++) {
    events.push(roundFinished({ round, epoch: Math.ceil(round / 10), clipped: round % 2 === 0, millis: millis(round) }));
    if (round % 10 === 0)
      events.push(
        epochFinished({
          epoch: round / 10,
          round,
          best: round <= 20,
          valid: { count: 1, metrics: { mae: 0.7, mse: 1 / round } },
          test: { count: 1, metrics: { mae: 0.6, mse: 2 / round } },
        }),
      );
  }
  return events;
};

describe('summary', () => {
  it('tells the errors of the best and the last epoch, and what the run cost', () => {
    const builder = createSummary(facts, { sampleProcess });
    for (const event of [runStarted(), ...run(0, 40), runFinished()]) builder.observe(event);
    const summary = builder.summary();
    expect(summary).toMatchObject({
      run: 'ml-small-metamf-1',
      digest: 'ab'.repeat(32),
      reason: 'completed',
      bestEpoch: 2,
      lastEpoch: 4,
      valid: { best: { mae: 0.7, mse: 1 / 20 }, last: { mse: 1 / 40 } },
      test: { best: { mse: 2 / 20 }, last: { mse: 2 / 40 } },
      rounds: { total: 40, measured: 40, clipped: 20, retries: 0 },
      epochs: 4,
      updates: 40 * 64,
      messages: 40 * 128 + 4 * 671,
      wallMillis: 1000,
      memory: { rssPeakBytes: 300e6, residentModelsMax: 100, residentModelBytesMax: 5e6 },
      resumedFrom: [],
    });
    expect(summary.groups).toEqual([]);
    expect(summary.bytes.training).toEqual({ down: 40 * 64_000, up: 40 * 6_400 });
    expect(summary.bytes.evaluation).toEqual({ down: 4 * 671_000, up: 0 });
    expect(summary.bytes.total.down).toBe(40 * 64_000 + 4 * 671_000);
    expect(summary.bytes.perRound).toEqual({ down: 64_000, up: 6_400 });
    expect(summary.bytes.perDevice.down).toBeCloseTo((40 * 64_000) / 671);
    expect(summary.latency.roundMillis).toMatchObject({ mean: 20.5, max: 40 });
    expect(Math.abs(summary.latency.roundMillis.p95 / 38 - 1)).toBeLessThanOrEqual(0.01);
    expect(summary.latency.phases.generate).toEqual({ millis: 120, share: 120 / 820 });
  });

  it('tells the errors by activity at the best and the last epoch', () => {
    const groupsAt = (mse: number): EpochFinished['groups'] => [
      {
        group: 'low',
        devices: 34,
        valid: { count: 9, metrics: { mae: 0.8, mse } },
        test: { count: 9, metrics: { mae: 0.9, mse: 2 * mse } },
      },
      {
        group: 'high',
        devices: 34,
        valid: { count: 9, metrics: { mae: 0.6, mse } },
        test: { count: 9, metrics: { mae: 0.7, mse: Number.NaN } },
      },
    ];
    const builder = createSummary(facts, { sampleProcess });
    builder.observe(epochFinished({ epoch: 1, best: true, groups: groupsAt(0.5) }));
    builder.observe(epochFinished({ epoch: 2, best: false, groups: groupsAt(0.75) }));
    const resumed = createSummary(facts, { sampleProcess });
    resumed.restore(JSON.parse(JSON.stringify(builder.snapshot())), 'here');
    for (const { groups } of [builder.summary(), resumed.summary()]) {
      expect(groups.map(({ group, devices }) => [group, devices])).toEqual([
        ['low', 34],
        ['high', 34],
      ]);
      expect(groups[0]).toMatchObject({ valid: { best: { mae: 0.8, mse: 0.5 }, last: { mse: 0.75 } }, test: { best: { mse: 1 } } });
      // JSON has no NaN.
      const mse = groups === resumed.summary().groups ? null : expect.toSatisfy((value) => value === null || Number.isNaN(value));
      expect(groups[1]!.test).toEqual({ best: { mae: 0.7, mse }, last: { mae: 0.7, mse } });
    }
  });

  it('is the same for a run that was interrupted and resumed, but for time and the mark of it', () => {
    const whole = createSummary(facts, { sampleProcess });
    for (const event of [runStarted(), ...run(0, 40), runFinished()]) whole.observe(event);
    const first = createSummary(facts, { sampleProcess });
    for (const event of [runStarted(), ...run(0, 25)]) first.observe(event);
    const second = createSummary(facts, { sampleProcess });
    second.restore(JSON.parse(JSON.stringify(first.snapshot())), 'last.checkpoint');
    for (const event of [runStarted({ round: 25 }), ...run(25, 40), runFinished()]) second.observe(event);
    expect(second.summary()).toEqual({ ...whole.summary(), wallMillis: 2000, resumedFrom: [25] });
  });

  it('adds up by device class what rounds cost a fleet, through an interruption', () => {
    const profiles = [
      { name: 'watch', devices: 5 },
      { name: 'laptop', devices: 9 },
    ];
    const started = runStarted({ fleet: { policy: 'deadline', profiles } });
    const rounds = [virtualRound(['watch', 'laptop'], [1, 2, 100]), virtualRound(['watch', 'laptop'], [4])].map((virtual, index) =>
      roundFinished({ round: index + 1, virtual }),
    );
    const first = createSummary(facts, { sampleProcess });
    for (const event of [started, rounds[0]!]) first.observe(event);
    const second = createSummary(facts, { sampleProcess });
    second.restore(JSON.parse(JSON.stringify(first.snapshot())), 'last.checkpoint');
    for (const event of [{ ...started, round: 1 }, rounds[1]!]) second.observe(event);
    const { fleet } = second.summary();
    expect(fleet!.profiles.map(({ name, devices, assigned, energy, bytesUp }) => [name, devices, assigned, energy, bytesUp])).toEqual([
      ['watch', 5, 20, 4, 200],
      ['laptop', 9, 20, 4, 200],
    ]);
    expect(fleet!.profiles[0]!.budgets.battery).toEqual([0, 0, 0, 20, 0, 0, 0, 0, 0]);
    expect(fleet!.latencySeconds).toMatchObject({ answers: 4, mean: 26.75, max: 100 });
    expect(fleet!.latencySeconds.bins.reduce((sum, { count }) => sum + count, 0)).toBe(4);
    const without = createSummary(facts, { sampleProcess });
    for (const event of [runStarted(), roundFinished()]) without.observe(event);
    expect(without.summary().fleet).toBeNull();
  });

  it('does not count a round twice when the counts are ahead of the checkpoint', () => {
    const first = createSummary(facts, { sampleProcess });
    for (const event of [runStarted(), ...run(0, 25)]) first.observe(event);
    const second = createSummary(facts, { sampleProcess });
    second.restore(first.snapshot(), 'last.checkpoint');
    for (const event of [runStarted({ round: 15 }), ...run(15, 40), runFinished()]) second.observe(event);
    expect(second.summary()).toMatchObject({ rounds: { total: 40, measured: 25 }, bestEpoch: 2, lastEpoch: 4, resumedFrom: [15] });
  });

  it('owns up to costs it could not count when the earlier counts are lost', () => {
    const builder = createSummary(facts, { sampleProcess });
    for (const event of [runStarted({ round: 20 }), ...run(20, 30)]) builder.observe(event);
    expect(builder.summary().rounds).toMatchObject({ total: 30, measured: 10 });
    expect(builder.summary().bytes.perRound.down).toBe(64_000);
  });

  it('has a summary at every moment: before the first round, and of a diverged run', () => {
    const builder = createSummary(facts, { sampleProcess });
    expect(builder.summary()).toMatchObject({ reason: 'unfinished', digest: null, test: { best: null, last: null }, bestEpoch: null });
    builder.observe(epochFinished({ test: { count: 1, metrics: { mae: Number.NaN, mse: Number.NaN } } }));
    const resumed = createSummary(facts, { sampleProcess });
    resumed.restore(JSON.parse(JSON.stringify(builder.snapshot())), 'last.checkpoint');
    expect(builder.summary().test.last).toEqual({ mae: Number.NaN, mse: Number.NaN });
    expect(resumed.summary().test.last).toEqual({ mae: null, mse: null });
  });

  it('counts lost hosts and keeps kinds, directions and purposes apart', () => {
    const builder = createSummary(facts, { sampleProcess });
    builder.observe({ type: 'host-lost', host: 0, reason: 'killed' });
    builder.observe({ type: 'host-restored', host: 0, devices: 300 });
    builder.observe(roundFinished({ traffic: [trafficLine('model', 'down', 1, 10)] }));
    builder.observe(epochFinished({ traffic: [trafficLine('model', 'down', 2, 20)] }));
    expect(builder.summary().hosts).toEqual({ lost: 1, restored: 1 });
    expect(builder.summary().bytes.byKind).toEqual([
      { purpose: 'training', kind: 'model', direction: 'down', messages: 1, bytes: 10 },
      { purpose: 'evaluation', kind: 'model', direction: 'down', messages: 2, bytes: 20 },
    ]);
  });

  it('names the field of counts that are not counts', () => {
    const builder = createSummary(facts, { sampleProcess });
    const good = builder.snapshot() as object;
    expect(() => builder.restore({ ...good, retries: 'many' }, 'last.checkpoint')).toThrow(
      /^last\.checkpoint: expected the counts of a run, found retries/,
    );
    try {
      builder.restore(null, 'last.checkpoint');
      expect.unreachable();
    } catch (error) {
      expect(isMetafleetError(error, 'CHECKPOINT')).toBe(true);
    }
  });
});

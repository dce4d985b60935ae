import { describe, expect, it } from 'vitest';
import { millis, seconds } from '../../src/base/units.js';
import { createPace, type Pace } from '../../src/report/pace.js';
import { epochFinished, roundFinished, runStarted } from '../support/report/run-events.js';

const NO_COSTS = { latencies: [], down: seconds(0), compute: seconds(0), up: seconds(0), profiles: [] };

/** Plays `epochs` epochs of 100 rounds of 50 ms and an evaluation of 3 s; returns the time after each, and tells each event's. */
const play = (pace: Pace, from: number, rounds: number, seen: (now: number) => void = () => undefined): number => {
  let now = 1000;
  pace.observe(runStarted({ roundsPerEpoch: 100, epochs: 20, round: from }), millis(now));
  for (let round = from + 1; round <= from + rounds; round++) {
    now += 50;
    pace.observe(roundFinished({ round, cohort: 64, ratings: 128 }), millis(now));
    seen(now);
    if (round % 100 !== 0) continue;
    now += 3000;
    pace.observe(epochFinished({ round, epoch: round / 100 }), millis(now));
    seen(now);
  }
  return now;
};
/** Of 20 epochs. */
const trueRemaining = (round: number): number => (2000 - round) * 50 + (20 - Math.floor(round / 100)) * 3000;

describe('pace', () => {
  it('counts evaluation into the remaining time once one was timed, and says when none was', () => {
    const pace = createPace();
    expect(pace.remaining(millis(0))).toBeUndefined();
    let now = play(pace, 0, 60);
    expect(pace.remaining(millis(now))?.atLeast).toBe(true);
    expect(pace.remaining(millis(now))?.millis).toBeCloseTo(1940 * 50, -3);
    const later = createPace();
    now = play(later, 0, 350);
    expect(later.remaining(millis(now))?.atLeast).toBe(false);
    expect(later.remaining(millis(now))!.millis / trueRemaining(350)).toBeCloseTo(1, 1);
  });
  it('reckons a resumed run from its own rounds', () => {
    const pace = createPace();
    const now = play(pace, 1500, 150);
    expect(pace.remaining(millis(now))!.millis / trueRemaining(1650)).toBeCloseTo(1, 1);
  });
  it('lets the end move little from event to event', () => {
    const pace = createPace();
    let end: number | undefined;
    let largest = 0;
    play(pace, 0, 1900, (now) => {
      if (now < 10_000) return;
      const next = now + pace.remaining(millis(now))!.millis;
      if (end !== undefined) largest = Math.max(largest, Math.abs(next - end));
      end = next;
    });
    expect(largest).toBeLessThan(1000);
  });
  it('is steady and right when rounds arrive in bursts of uneven length', () => {
    const pace = createPace();
    pace.observe(runStarted({ roundsPerEpoch: 100_000, epochs: 1 }), millis(0));
    const ends: number[] = [];
    let now = 0;
    for (let round = 1, burst = 0; burst < 120; burst++) {
      const length = burst % 2 === 0 ? 10 : 30;
      now += length * 50;
      for (let i = 0; i < length; i++) pace.observe(roundFinished({ round: round++ }), millis(now));
      if (burst >= 20) ends.push(now + pace.remaining(millis(now))!.millis);
    }
    for (const end of ends) expect(Math.abs(end / (100_000 * 50) - 1)).toBeLessThan(0.01);
    const moves = ends.slice(1).map((end, index) => Math.abs(end - ends[index]!));
    expect(Math.max(...moves)).toBeLessThan(5_000_000 * 0.001);
  });
  it('moves slowly when single rounds are erratic', () => {
    const pace = createPace();
    pace.observe(runStarted({ roundsPerEpoch: 100_000, epochs: 1 }), millis(0));
    let now = 0;
    let end = 0;
    let largest = 0;
    for (let round = 1; round <= 2000; round++) {
      now += round % 10 === 0 ? 410 : 10;
      pace.observe(roundFinished({ round }), millis(now));
      const next = now + pace.remaining(millis(now))!.millis;
      if (round > 500) largest = Math.max(largest, Math.abs(next - end) / (next - now));
      end = next;
    }
    expect(largest).toBeLessThan(0.005);
  });
  it('gives rates over rounds alone, also when events come in bursts', () => {
    const pace = createPace();
    pace.observe(runStarted(), millis(0));
    for (let round = 1; round <= 200; round++)
      pace.observe(roundFinished({ round, cohort: 64, ratings: 128 }), millis(Math.ceil(round / 20) * 1000));
    expect(pace.recent()!.devicesPerSecond / (20 * 64)).toBeCloseTo(1, 1);
    expect(pace.recent()!.ratingsPerSecond / (20 * 128)).toBeCloseTo(1, 1);
    expect(pace.recent()!.loss).toBeCloseTo(0.9);
  });
  it('reckons with the time after which stages end the run, not with rounds that will never be', () => {
    const plan = { roundsPerEpoch: 10, epochs: 1_000_000 };
    const wall = createPace();
    wall.observe(runStarted({ ...plan, ends: { unit: 'wall', after: seconds(60) } }), millis(5000));
    for (let round = 1; round <= 20; round++) wall.observe(roundFinished({ round }), millis(5000 + 1000 * round));
    expect(wall.remaining(millis(25_000))!.millis).toBe(40_000);
    expect(wall.remaining(millis(99_000))!.millis).toBe(0);

    // 30 virtual seconds a round of 100 ms: an hour is 120 rounds.
    const virtual = createPace();
    virtual.observe(runStarted({ ...plan, ends: { unit: 'virtual', after: seconds(3600) } }), millis(0));
    for (let round = 1; round <= 80; round++) {
      const span = { start: seconds(30 * (round - 1)), end: seconds(30 * round) };
      virtual.observe(roundFinished({ round, virtual: { ...span, ...NO_COSTS } }), millis(100 * round));
    }
    expect(virtual.remaining(millis(8000))!.millis).toBeCloseTo(4000, -2);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Seconds } from '../../src/base/units.js';
import { arrivedBy, loadAt, rampAt, type Stages, type StageUnit } from '../../src/coordinator/stages.js';

const stages = (list: Stages['list'], unit: StageUnit = 'rounds'): Stages => ({ unit, list });
const at = (round: number, now = 0, asked = 0, wall = 0) => ({ round, now: now as Seconds, asked, wall });

describe('a ramp', () => {
  it('moves in a straight line through a stage, keeps what a stage does not say, and stays where the last one left it', () => {
    const ramp = stages([
      { length: 10, cohort: 20 },
      { length: 5, devices: 7 },
      { length: 10, cohort: 40 },
    ]);
    expect([0, 5, 10, 12, 15, 20, 25, 99].map((position) => rampAt(ramp, 'cohort', position, 10))).toEqual([
      10, 15, 20, 20, 20, 30, 40, 40,
    ]);
  });

  it('jumps where a stage has no length', () => {
    const ramp = stages([{ length: 0, cohort: 100 }, { length: 10, cohort: 200 }, { length: 0, cohort: 5 }, { length: 10 }]);
    expect([0, 5, 9.999, 10, 15].map((position) => Math.round(rampAt(ramp, 'cohort', position, 1)))).toEqual([100, 150, 200, 5, 5]);
  });
});

describe('arrivals', () => {
  it('are the area under the ramp, wherever it is cut', () => {
    const ramp = stages(
      [
        { length: 10, arrivals: 2 },
        { length: 20, arrivals: 2 },
        { length: 0, arrivals: 10 },
        { length: 10, arrivals: 0 },
      ],
      'virtual',
    );
    // 0 → 2 over 10 s: 10; 2 for 20 s: 40; 10 → 0 over 10 s: 50.
    expect([0, 5, 10, 30, 40, 50].map((time) => arrivedBy(ramp, time))).toEqual([0, 2.5, 10, 50, 100, 100]);
    const point = fc.double({ min: 0, max: 39, noNaN: true });
    fc.assert(
      fc.property(point, (time) => {
        const middle = (rampAt(ramp, 'arrivals', time, 0) + rampAt(ramp, 'arrivals', time + 1e-6, 0)) / 2;
        expect((arrivedBy(ramp, time + 1e-6) - arrivedBy(ramp, time)) / 1e-6).toBeCloseTo(middle, 3);
      }),
    );
  });
});

describe('the load of a round', () => {
  const plan = (list: Stages['list'], unit: StageUnit = 'rounds') => ({ devices: 1000, cohort: 64, stages: stages(list, unit) });

  it('is always the same without stages, and never over', () => {
    for (const round of [1, 1000]) expect(loadAt(plan([]), at(round))).toEqual({ devices: 1000, cohort: 64, start: 0, isOver: false });
  });

  it('ends with the last stage, in the unit that stages are counted in', () => {
    const ends = (unit: StageUnit, ...positions: Parameters<typeof at>[]) =>
      positions.map((position) => loadAt(plan([{ length: 5 }], unit), at(...position)).isOver);
    expect(ends('rounds', [5], [6])).toEqual([false, true]);
    expect(ends('virtual', [9, 4.9], [9, 5])).toEqual([false, true]);
    expect(ends('wall', [9, 99, 0, 4.9], [9, 0, 0, 5])).toEqual([false, true]);
  });

  it('never asks for more devices than take part, nor fewer than one', () => {
    const ramp = plan([
      { length: 0, devices: 1, cohort: 1 },
      { length: 10, devices: 5000, cohort: 9000 },
    ]);
    for (let round = 1; round < 12; round++) {
      const { devices, cohort } = loadAt(ramp, at(round));
      expect(cohort).toBeGreaterThanOrEqual(1);
      expect(cohort).toBeLessThanOrEqual(devices);
      expect(devices).toBeLessThanOrEqual(1000);
    }
  });

  it('begins when its cohort has arrived, at once where more are waiting, and never after the end', () => {
    const flat = plan(
      [
        { length: 0, arrivals: 0.5 },
        { length: 1000, arrivals: 0.5 },
      ],
      'virtual',
    );
    const starts = (...position: Parameters<typeof at>) => loadAt(flat, at(...position));
    expect(starts(1).start).toBeCloseTo(128, 4);
    expect(starts(2, 130, 64).start).toBeCloseTo(256, 4);
    expect(starts(2, 400, 64)).toMatchObject({ start: 400, cohort: 64, isOver: false });
    expect(starts(9, 900, 448)).toMatchObject({ start: 1000, isOver: true });
  });
});

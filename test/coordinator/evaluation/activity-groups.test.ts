import { describe, expect, it } from 'vitest';
import { groupByActivity } from '../../../src/coordinator/evaluation/activity-groups.js';

describe('groups by activity', () => {
  it('are 5 % of the fleet each: the least active, the middle and the most active', () => {
    // Activities 0 … 99, each once, in a scrambled order.
    const activity = Uint32Array.from({ length: 100 }, (_, device) => (37 * device) % 100);
    const groups = groupByActivity(activity)!;
    const activities = (members: ReadonlySet<number>) => [...members].map((device) => activity[device]!).sort((a, b) => a - b);
    expect(activities(groups.low)).toEqual([0, 1, 2, 3, 4]);
    expect(activities(groups.medium)).toEqual([47, 48, 49, 50, 51]);
    expect(activities(groups.high)).toEqual([95, 96, 97, 98, 99]);
  });

  it('take devices of equal activity in order of their ids', () => {
    const groups = groupByActivity(new Uint32Array(40).fill(7))!;
    expect([groups.low, groups.medium, groups.high].map((members) => [...members])).toEqual([
      [0, 1],
      [19, 20],
      [38, 39],
    ]);
  });

  it('are not made where one would be a single device', () => {
    expect(groupByActivity(new Uint32Array(29))).toBeNull();
    expect(groupByActivity(new Uint32Array(30))).not.toBeNull();
    expect(groupByActivity(new Uint32Array(0))).toBeNull();
  });
});

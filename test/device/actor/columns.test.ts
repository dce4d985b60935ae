import { describe, expect, it } from 'vitest';
import { deviceId } from '../../../src/base/units.js';
import { activityOf, ratingsOf } from '../../../src/device/actor/columns.js';
import { columnsOf } from '../../support/device/small-world.js';
import { orMessageError } from '../../support/messages/arbitrary-messages.js';

const columns = columnsOf(
  4,
  [
    [
      [1, 2.5],
      [2, 3],
    ],
    [],
    [[9, 5]],
  ],
  [[], [[7, 1]], []],
  [[[8, 4]], [], []],
);
const of = (part: 'train' | 'valid' | 'test', device: number) => {
  const { items, values } = ratingsOf(columns, part, deviceId(device));
  return [[...items], [...values]];
};

describe('private columns', () => {
  it('give each device her own ratings of a part', () => {
    expect([4, 5, 6].map((device) => of('train', device))).toEqual([
      [
        [1, 2],
        [2.5, 3],
      ],
      [[], []],
      [[9], [5]],
    ]);
    expect(of('valid', 5)).toEqual([[7], [1]]);
    expect(of('test', 4)).toEqual([[8], [4]]);
  });

  it('have no ratings of devices of other hosts: a request for them throws MESSAGE', () => {
    for (const device of [0, 3, 7, 2 ** 40])
      expect(orMessageError(() => of('train', device))).toBe(`device host: expected a device from 4 to 6, found device ${device}`);
  });

  it('tell how many ratings each device trains on', () => {
    expect([...activityOf(columns)]).toEqual([2, 0, 1]);
  });
});

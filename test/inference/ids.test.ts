import { describe, expect, it } from 'vitest';
import { idIn, namesOf } from '../../src/inference/ids.js';
import { datasetOf } from '../support/inference/dataset.js';

const dataset = datasetOf(3, [[[0, 3]], [[1, 4]]]);

describe('namesOf', () => {
  it('finds original ids, and knows titles of the data and of a file', () => {
    const named = { ...dataset, userIds: ['ann', 'bob'], itemIds: ['x', 'y', 'z'], itemTitles: ['The X', '', 'The Z'] };
    const names = namesOf(named, new Map([['z', 'Zed']]));
    expect([names.users.find('bob'), names.users.find('1'), names.items.idOf(2)]).toEqual([1, undefined, 'z']);
    expect([0, 1, 2].map(names.title)).toEqual(['The X', null, 'Zed']);
  });

  it('takes the numbers themselves where data have no ids', () => {
    const { items, title } = namesOf(dataset);
    expect([items.find('2'), items.find('3'), items.find('02'), items.find('-1'), items.idOf(1), title(0)]).toEqual([
      2,
      undefined,
      undefined,
      undefined,
      '1',
      null,
    ]);
  });

  it('says which ids there are', () => {
    expect(() => idIn(namesOf(dataset).items, 'nope', 'item', 'item')).toThrow(
      'item: expected an id of one of the 3 items of the data, such as 0, 1, 2, found "nope"',
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDecimal, parseInteger } from '../../../src/data/import/fields.js';
import { declaredIds, idTable } from '../../../src/data/import/ids.js';

const bytesOf = (text: string): [Uint8Array, number, number] => {
  const bytes = Buffer.from(text);
  return [bytes, 0, bytes.length];
};

/** Interns as the reader does: canonical integers as numbers, all else as text. */
const intern = (table: ReturnType<typeof idTable>, id: string): number => {
  const number = parseInteger(...bytesOf(id));
  return Number.isNaN(number) ? table.text(id) : table.integer(number);
};

describe('ids', () => {
  it('map to dense numbers and back, for any strings', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.integer().map(String), fc.maxSafeNat().map(String))), (ids) => {
        const table = idTable();
        const provisional = ids.map((id) => intern(table, id));
        const map = table.finish();
        expect(map.ids).toHaveLength(new Set(ids).size);
        expect(provisional.map((index) => map.ids[map.dense[index]!])).toEqual(ids);
        expect([...map.dense].sort((a, b) => a - b)).toEqual([...map.ids.keys()]);
      }),
    );
  });

  it('are sorted numerically when all are integers', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: -(10 ** 14), max: 10 ** 14 })), (ids) => {
        const table = idTable();
        for (const id of ids) intern(table, `${id}`);
        expect(table.finish().ids).toEqual([...ids].sort((a, b) => a - b).map(String));
      }),
    );
  });

  it('keep their numbers when they are dense already, whatever the order of the file', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 300 }).chain((n) => fc.shuffledSubarray([...Array(n).keys()], { minLength: n })),
        (ids) => {
          const table = idTable();
          const provisional = ids.map((id) => table.integer(id));
          const { dense } = table.finish();
          expect(provisional.map((index) => dense[index])).toEqual(ids);
        },
      ),
    );
  });

  it('keep the order in which they were seen when one is not an integer', () => {
    const table = idTable();
    for (const id of ['9', '007', '7', '9']) intern(table, id);
    expect(table.finish().ids).toEqual(['9', '007', '7']);
  });

  it('are what they say when their number is declared, whether or not all occur', () => {
    const table = idTable();
    const provisional = [4, 1].map((id) => table.integer(id));
    const { ids, dense } = declaredIds(table, 6);
    expect(ids).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(provisional.map((index) => dense[index])).toEqual([4, 1]);
  });

  it('are refused past the limit', () => {
    const table = idTable(2);
    table.integer(2 ** 40);
    table.text('a');
    table.text('a');
    expect(() => table.integer(7)).toThrow('more than 2 distinct ids');
  });
});

describe('numbers', () => {
  it('decimals are parsed as JavaScript does', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -3.4e38, max: 3.4e38 }), (value) => {
        expect(parseDecimal(...bytesOf(`${value}`))).toBe(Number(`${value}`));
      }),
    );
    for (const text of ['', '.', '-', '1e', '1.2.3', ' 1', '0x10', '1_000', 'Infinity', '1e39', '-0.1e95', '1e999', '--1']) {
      expect(parseDecimal(...bytesOf(text)), text).toBeNaN();
    }
    for (const text of ['.5', '5.', '+3', '-2.5', '1e-3', '00.50', '123456789012345678']) {
      expect(parseDecimal(...bytesOf(text)), text).toBe(Number(text));
    }
  });

  it('integers that could not be written back as they were are not integers', () => {
    for (const text of ['', '-', '-0', '007', '+1', '1.0', '1234567890123456', 'a']) {
      expect(parseInteger(...bytesOf(text)), text).toBeNaN();
    }
    for (const text of ['0', '-12', '999999999999999']) expect(parseInteger(...bytesOf(text))).toBe(Number(text));
  });
});

import { expect, it } from 'vitest';
import { renderComparison, toCsv } from '../../../src/studies/sweep/rows.js';

it('a CSV has every column of any row, and quotes what would break one', () => {
  expect(
    toCsv([
      { a: 1, data: 'x,y' },
      { a: null, b: 'say "no"', data: 'plain' },
    ]),
  ).toBe('a,data,b\r\n1,"x,y",\r\n,plain,"say ""no"""\r\n');
});

it('a comparison says how often predictions were within a quarter of what was found', () => {
  const row = (found: number) => ({
    point: `p${found}`,
    ...{ predictedSeconds: 10, predictedRoundMillis: 10, predictedRoundCpuMillis: 10, predictedBytesDownPerRound: 10 },
    ...{ predictedBytesUpPerRound: 10, predictedMemoryBytes: 10 },
    ...{ seconds: found, roundMillis: 10, roundCpuMillis: 10, bytesDownPerRound: 10, bytesUpPerRound: 10, memoryBytes: found },
  });
  const lines = renderComparison([row(10), row(12), row(20)]).split('\n');
  expect(lines[1]).toMatch(/^p10 +10\.0 ms > 10\.0 ms/);
  expect(lines.at(-2)).toMatch(/^within 25 % +3 of 3 +3 of 3 +2 of 3 +3 of 3 +3 of 3 +2 of 3$/);
  expect(lines.at(-1)).toMatch(/^farthest off +0 % +0 % +50 % +0 % +0 % +50 %$/);
});

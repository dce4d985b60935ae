import { describe, expect, it } from 'vitest';
import { parseBody, sizesIn } from '../../src/serve/requests.js';

describe('parseBody', () => {
  it('takes ratings as a list or by item, and ids as numbers or texts', () => {
    const ratings = [
      { item: '858', rating: 5 },
      { item: 'x', rating: 1.5 },
    ];
    expect(parseBody('{"ratings":[{"item":858,"rating":5},{"item":"x","rating":1.5}]}')).toEqual({ ratings, top: 10, reasons: 3 });
    expect(parseBody('{"ratings":{"858":5,"x":1.5},"top":2,"reasons":0}')).toEqual({ ratings, top: 2, reasons: 0 });
  });

  it.each([
    ['{', /^body: expected JSON, found /],
    ['[]', /^body: expected \{"ratings"/],
    ['{}', /^body\.ratings: expected /],
    ['{"ratings":[{"item":1}]}', /^body\.ratings/],
    ['{"ratings":{"1":5},"top":0}', /^body\.top: expected /],
    ['{"ratings":{"1":5},"more":0}', /^body: expected /],
    [
      JSON.stringify({ ratings: Object.fromEntries(Array.from({ length: 10_001 }, (_, item) => [item, 1])) }),
      /at most 10000 ratings, found 10001$/,
    ],
  ])('refuses %.40s', (text, message) => {
    expect(() => parseBody(text)).toThrow(message);
  });
});

describe('sizesIn', () => {
  it('has defaults and bounds', () => {
    expect(sizesIn(new URLSearchParams('top=3'))).toEqual({ top: 3, reasons: 3 });
    for (const text of ['top=0', 'top=1001', 'top=x', 'top=-1', 'reasons=11', 'top='])
      expect(() => sizesIn(new URLSearchParams(text))).toThrow(/^\?(top|reasons)=: expected a whole number/);
  });
});

import { describe, expect, it } from 'vitest';
import { deviceId } from '../../../src/base/units.js';
import { judgeForm } from '../../../src/coordinator/round/accept.js';
import type { Update } from '../../../src/messages/message.js';
import { encodeTensor, type TensorSpec } from '../../../src/messages/wire-tensor.js';

const SPECS: readonly TensorSpec[] = [
  { name: 'rows', perRow: true, shape: [2] },
  { name: 'dense', perRow: false, shape: [3] },
];
const EXPECTED = { algorithm: { wire: { down: [], up: SPECS } }, items: 40, dtype: 'f32' } as const;
const SENT = Uint32Array.of(1, 5, 9, 39);

type Change = Partial<Update> & { readonly numbers?: readonly [rows: readonly number[], dense: readonly number[]] };

const updateOf = ({
  numbers = [
    [1, 2, 3, 4],
    [5, 6, 7],
  ],
  rows = Uint32Array.of(5, 39),
  ...rest
}: Change = {}): Update => ({
  ...{ kind: 'update', round: 1, device: deviceId(3), count: 2, loss: 0.5, rows },
  tensors: numbers.map((values, index) => encodeTensor('f32', index === 0 ? [rows.length, 2] : [3], [Float32Array.from(values)])),
  ...rest,
});

const judge = (change: Change, sent: Uint32Array | null = SENT) => judgeForm(EXPECTED, updateOf(change), sent);
const causeOf = (change: Change, sent: Uint32Array | null = SENT): string => {
  const judged = judge(change, sent);
  return 'cause' in judged ? judged.cause : 'accepted';
};

describe('the form of an update', () => {
  it('is right at the edges of what may be', () => {
    for (const change of [{}, { count: 1 }, { count: 40 }, { loss: 0 }, { rows: Uint32Array.of(1, 39) }, { rows: Uint32Array.of(1, 5) }])
      expect(causeOf(change), JSON.stringify(change)).toBe('accepted');
    expect(causeOf({ rows: new Uint32Array(0), numbers: [[], [1, 2, 3]] })).toBe('accepted');
    expect(judge({})).toMatchObject({
      device: 3,
      count: 2,
      rows: Uint32Array.of(5, 39),
      tensors: [
        { 0: 1, 3: 4 },
        { 0: 5, 2: 7 },
      ],
    });
  });

  it('is wrong with sums that no batch has', () => {
    for (const count of [0, 41])
      expect(judge({ count })).toEqual({
        ...{ device: 3, cause: 'sums', text: `update of device 3, count: expected 1 to 40 ratings, found ${count}` },
      });
    expect(judge({ loss: -0.5 })).toEqual({
      ...{ device: 3, cause: 'sums', text: 'update of device 3, loss: expected a sum of squares, found -0.5' },
    });
  });

  it('is wrong with rows beyond the items, or other than were sent', () => {
    expect(judge({ rows: Uint32Array.of(5, 40) }, null)).toEqual({
      ...{ device: 3, cause: 'rows', text: 'update of device 3: expected items below 40, found 40' },
    });
    expect(causeOf({ rows: Uint32Array.of(0, 38) }, null)).toBe('accepted');
    for (const rows of [
      [0, 5],
      [5, 6],
      [6, 9],
      [1, 38],
    ])
      expect(judge({ rows: Uint32Array.from(rows) }), String(rows)).toEqual({
        ...{ device: 3, cause: 'rows', text: 'update of device 3: expected rows it was sent, found others' },
      });
    expect(causeOf({}, new Uint32Array(0))).toBe('rows');
  });

  it('is wrong with a number that is none, wherever it stands', () => {
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      for (let at = 0; at < 7; at++) {
        const numbers = Array.from({ length: 7 }, (_, i) => (i === at ? odd : i));
        const name = at < 4 ? 'rows' : 'dense';
        const text = `update of device 3, tensor ${name}: expected finite numbers, found others`;
        expect(judge({ numbers: [numbers.slice(0, 4), numbers.slice(4)] })).toEqual({ device: 3, cause: 'not-finite', text });
      }
  });

  it('is wrong with another dtype, or another number of tensors', () => {
    const [rows, dense] = updateOf().tensors;
    const half = encodeTensor('f16', [3], [Float32Array.of(1, 2, 3)]);
    expect(judge({ tensors: [rows!, half] })).toEqual({
      ...{ device: 3, cause: 'dtype', text: 'update of device 3, tensor dense: expected dtype f32, found f16' },
    });
    expect(causeOf({ tensors: [rows!] })).toBe('shape');
    expect(causeOf({ tensors: [rows!, dense!, half] })).toBe('shape');
    expect(causeOf({ tensors: [dense!, rows!] })).toBe('shape');
  });

  it('is nobody’s fault where the coordinator itself fails', () => {
    const algorithm = {
      get wire(): never {
        throw new TypeError('no wire');
      },
    };
    expect(() => judgeForm({ ...EXPECTED, algorithm }, updateOf(), SENT)).toThrow(TypeError);
  });
});

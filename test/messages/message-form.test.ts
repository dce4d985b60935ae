import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { orMessageError } from '../support/messages/arbitrary-messages.js';
import { decodeBody, pack } from '../support/messages/forged-frames.js';

const said = (value: unknown): unknown => orMessageError(() => decodeBody(pack(value)));

describe('a message', () => {
  const assign = { kind: 'assign', round: 1, device: 2, purpose: 'train' };
  const ids = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer);
  const want = { kind: 'want', round: 1, device: 2, purpose: 'train', rows: ids(1, 2) };
  const tensor = { dtype: 'f32', shape: [1], data: [Buffer.alloc(4)] };
  const model = { kind: 'model', round: 1, device: 2, purpose: 'train', rows: null, tensors: [tensor] };
  const update = { kind: 'update', round: 1, device: 2, count: 1, loss: 1, rows: ids(3), tensors: [tensor] };
  const part = { count: 1, sums: [1, 1] };
  const score = { kind: 'score', round: 1, device: 2, valid: part, test: part };
  const refuse = { kind: 'refuse', round: 1, device: 2, reason: 'no' };
  const withTensor = (changes: object) => ({ ...model, tensors: [tensor, { ...tensor, ...changes }] });

  it('in its right form passes', () => {
    for (const value of [assign, want, { ...want, tensors: [tensor] }, model, update, score, refuse])
      expect(said(value)).toMatchObject({ messages: [{ round: 1, device: 2 }] });
  });

  it.each<[string, unknown, RegExp]>([
    ['that is no map', 7, /message kind: expected assign or want or .*, found 7$/],
    ['that is nothing', null, /message kind: expected .*, found null$/],
    ['that is a list', [assign], /message kind: expected .*, found a list of 1$/],
    ['of no kind', { round: 1, device: 2 }, /message kind: expected .*, found a map$/],
    ['of an unknown kind', { ...assign, kind: 'gossip' }, /message kind: expected .*, found "gossip"$/],
    ['of a kind longer than a line', { ...assign, kind: 'x'.repeat(1000) }, /found "x{60}…"$/],
    ['with a kind that every object has', { ...assign, kind: 'toString' }, /message kind: expected .*, found "toString"$/],
    [
      'with a field of another kind',
      { ...assign, ratings: [3.5] },
      /assign message: expected the fields kind, round, device, purpose, full, found "ratings"$/,
    ],
    ['without a field', { kind: 'assign', round: 1, device: 2 }, /assign message, purpose: expected train or evaluate, found undefined$/],
    ['with a round that is text', { ...assign, round: '1' }, /assign message, round: expected a whole number ≥ 0, found "1"$/],
    ['with a round that is a fraction', { ...assign, round: 1.5 }, /round: expected a whole number ≥ 0, found 1.5$/],
    ['with a negative round', { ...assign, round: -1 }, /round: expected a whole number ≥ 0, found -1$/],
    ['with a round past every integer', { ...assign, round: 2 ** 60 }, /round: expected a whole number ≥ 0, found 1152921504606847000$/],
    ['with a round in 64 bits', { ...assign, round: 2n ** 60n }, /round: expected a whole number ≥ 0, found an integer of 64 bits$/],
    ['with no number as its device', { ...assign, device: Number.NaN }, /device: expected a whole number ≥ 0, found null$/],
    ['with another purpose', { ...assign, purpose: 'spy' }, /purpose: expected train or evaluate, found "spy"$/],
    ['with rows that are no bytes', { ...want, rows: [1, 2] }, /want message, rows: expected bytes, found a list of 2$/],
    ['with rows null where it must not be', { ...update, rows: null }, /update message, rows: expected bytes, found null$/],
    ['with a flag that is no flag', { ...assign, full: false }, /assign message, full: expected true, or nothing, found false$/],
    ['with a flag that is a number', { ...assign, full: 1 }, /assign message, full: expected true, or nothing, found 1$/],
    ['with a purpose as long as a page', { ...assign, purpose: 'x'.repeat(4000) }, /purpose: expected train or evaluate, found "x{60}…"$/],
    [
      'with a word for what a device says of itself',
      { ...want, tensors: 'me' },
      /want message, tensors: expected a list of at most 64, found "me"$/,
    ],
    [
      'with nothing for what a device says of itself',
      { ...want, tensors: null },
      /want message, tensors: expected a list of at most 64, found null$/,
    ],
    ['with rows in halves', { ...want, rows: Buffer.alloc(6) }, /rows: expected a multiple of 4 bytes, found 6$/],
    ['with rows out of order', { ...want, rows: ids(1, 3, 2) }, /rows: expected ascending item ids, found 2 after 3$/],
    ['with a row twice', { ...update, rows: ids(1, 1) }, /update message, rows: expected ascending item ids, found 1 after 1$/],
    ['with unsorted rows of a model', { ...model, rows: ids(5, 4) }, /model message, rows: expected ascending item ids/],
    ['with a loss that is not finite', { ...update, loss: Number.POSITIVE_INFINITY }, /loss: expected a finite number/],
    ['with a loss that is no number', { ...update, loss: Number.NaN }, /loss: expected a finite number/],
    ['with a negative count', { ...update, count: -1 }, /count: expected a whole number ≥ 0, found -1$/],
    ['with tensors that are no list', { ...model, tensors: tensor }, /tensors: expected a list of at most 64, found a map$/],
    ['with too many tensors', { ...model, tensors: Array(65).fill(tensor) }, /tensors: expected a list of at most 64, found a list of 65$/],
    ['with a tensor that is nothing', { ...model, tensors: [tensor, null] }, /tensors\[1\]: expected a map, found null$/],
    ['with a tensor that is a list', { ...model, tensors: [[tensor]] }, /tensors\[0\]: expected a map, found a list of 1$/],
    ['with a part of a score that is nothing', { ...score, valid: null }, /score message, valid: expected a map, found null$/],
    ['with a loss in words', { ...update, loss: '1' }, /update message, loss: expected a finite number, found "1"$/],
    ['with a tensor that is bytes', { ...model, tensors: [Buffer.alloc(4)] }, /tensors\[0\]: expected a map, found 4 bytes$/],
    [
      'with a tensor of unknown type',
      withTensor({ dtype: 'f64' }),
      /tensors\[1\].dtype: expected f32 or f16 or int8 or int4, found "f64"$/,
    ],
    ['with a tensor of five dimensions', withTensor({ shape: [1, 1, 1, 1, 1] }), /tensors\[1\].shape: expected a list of at most 4/],
    ['with a negative size', withTensor({ shape: [-1] }), /tensors\[1\].shape: expected a whole number ≥ 0, found -1$/],
    ['with a tensor of text', withTensor({ data: ['abcd'] }), /tensors\[1\].data: expected bytes, found "abcd"$/],
    ['with a tensor in too many pieces', withTensor({ data: Array(4097).fill(Buffer.alloc(0)) }), /data: expected a list of at most 4096/],
    ['with scales that are no bytes', withTensor({ scales: [1] }), /tensors\[1\].scales: expected bytes, found a list of 1$/],
    [
      'with an unknown field in a tensor',
      withTensor({ ratings: [4] }),
      /tensors\[1\]: expected the fields dtype, shape, data, scales, group, bitmap, gaps, found "ratings"$/,
    ],
    ['with a part of a score that is a number', { ...score, test: 3 }, /score message, test: expected a map, found 3$/],
    [
      'with an unknown field in a score',
      { ...score, valid: { ...part, values: [4] } },
      /valid: expected the fields count, sums, found "values"$/,
    ],
    [
      'with an endless score',
      { ...score, valid: { ...part, sums: [1, Number.POSITIVE_INFINITY] } },
      /valid.sums: expected a finite number/,
    ],
    [
      'with a score of half a rating',
      { ...score, test: { ...part, count: 0.5 } },
      /message, test.count: expected a whole number ≥ 0, found 0.5$/,
    ],
    ['with a score without sums', { ...score, test: { count: 1 } }, /message, test.sums: expected a list of at most 256, found undefined$/],
    [
      'with a score of too many sums',
      { ...score, test: { count: 1, sums: Array(257).fill(0) } },
      /message, test.sums: expected a list of at most 256, found a list of 257$/,
    ],
    ['with a reason too long', { ...refuse, reason: 'x'.repeat(201) }, /reason: expected a reason of at most 200 characters/],
    ['with a reason that is no text', { ...refuse, reason: 4 }, /reason: expected a reason of at most 200 characters, found 4$/],
  ])('%s is refused, and told why', (_, value, line) => {
    expect(said(value)).toMatch(line);
    expect(said(value)).toMatch(/^forged, byte 0, /);
  });

  it('with a reason of 200 characters is taken', () => {
    expect(said({ ...refuse, reason: 'x'.repeat(200) })).toMatchObject({ messages: [{ reason: 'x'.repeat(200) }] });
  });

  it('with a __proto__ key is refused, and no prototype changes', () => {
    const key = (name: string) => [0xa0 + name.length, ...Buffer.from(name)];
    const body = [0x82, ...key('kind'), ...key('assign'), ...key('__proto__'), 0x81, ...key('purpose'), ...key('train')];
    expect(orMessageError(() => decodeBody(Uint8Array.from(body)))).toMatch(/assign message: expected the fields .*, found "__proto_+"$/);
    expect(Object.hasOwn(Object.prototype, 'purpose')).toBe(false);
  });

  it('is not found in values that msgpack has besides maps: dates, sets, errors, patterns, typed arrays', () => {
    const rich = new Packr({ useRecords: false, moreTypes: true });
    expect(orMessageError(() => decodeBody(Uint8Array.from(rich.pack(5n))))).toMatch(/message kind: expected/);
    for (const value of [new Date(0), new Set([assign]), new Error('assign'), /assign/u, new Float32Array(4)]) {
      const body = Uint8Array.from(rich.pack(value));
      expect(
        orMessageError(() => decodeBody(body)),
        String(value),
      ).toMatch(/expected plain values, found an extension/);
      const field = Uint8Array.from(rich.pack({ ...want, rows: value }));
      expect(
        orMessageError(() => decodeBody(field)),
        String(value),
      ).toMatch(/expected plain values, found an extension/);
    }
  });
});

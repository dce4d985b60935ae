import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame } from '../../../src/messages/frame.js';
import type { Message, Update } from '../../../src/messages/message.js';
import { DTYPES, type Dtype } from '../../../src/messages/tensor-form.js';
import { contextOf, DEVICE, modelOf, ROUND, reply, wanted } from '../../support/device/one-device.js';
import { columnsOf } from '../../support/device/small-world.js';

describe('what a device sends', () => {
  /** All numbers in a message, in every width in which a rating could be written. */
  const numbersIn = (value: unknown): number[] => {
    if (typeof value === 'number') return [value];
    if (ArrayBuffer.isView(value)) {
      const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
      const view = new DataView(bytes.buffer);
      return Array.from({ length: bytes.length }, (_, at) => [
        ...(at + 4 <= bytes.length ? [view.getFloat32(at, true), view.getFloat32(at)] : []),
        ...(at + 8 <= bytes.length ? [view.getFloat64(at, true), view.getFloat64(at)] : []),
      ]).flat();
    }
    return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
  };
  /** Ratings that no computation gives by chance. */
  const secret = (i: number): number => Math.fround(3.1337 + i / 1000);
  const planted = (column: number) => [Array.from({ length: 4 }, (_, i): [number, number] => [5 * i + column, secret(10 * column + i)])];
  const columns = columnsOf(DEVICE, planted(0), planted(1), planted(2));
  const secrets = new Set([0, 1, 2].flatMap((column) => planted(column)[0]!.map(([, value]) => value)));

  it('holds no rating, in no message, field or width', () => {
    expect(secrets.size).toBe(12);
    for (const dtype of DTYPES) {
      for (const ratings of [1, 'all'] as const) {
        const context = contextOf({ columns, dtype: dtype as Dtype, ratings });
        const down: Message[] = (['train', 'evaluate'] as const).flatMap((purpose): Message[] => [
          { kind: 'assign', round: ROUND, device: DEVICE, purpose },
          modelOf(context, purpose, null),
          modelOf(context, purpose, wanted(context, purpose)),
        ]);
        for (const message of down) {
          const answer = reply<Message>(context, message);
          const { frame, length } = encodeFrame([answer]);
          const seen = [...numbersIn(decodeFrame(frame, length, 'test').messages[0]), ...numbersIn(new Uint8Array(frame, 0, length))];
          const leaked = seen.filter((value) => secrets.has(value) || secrets.has(Math.fround(value)));
          expect(leaked, `${answer.kind} in ${dtype}`).toEqual([]);
        }
      }
    }
  });

  it('is the same for other ratings, except gradients and sums of errors', () => {
    // The rows that a device wants, and those that it uploads, must not depend on its ratings.
    const doubled = columnsOf(
      DEVICE,
      planted(0).map((list) => list.map(([item, value]): [number, number] => [item, value / 2])),
      planted(1),
      planted(2),
    );
    for (const ratings of [1, 'all'] as const) {
      const [one, other] = [contextOf({ columns, ratings }), contextOf({ columns: doubled, ratings })];
      expect(wanted(other, 'train')).toEqual(wanted(one, 'train'));
      const [a, b] = [one, other].map((context) => reply<Update>(context, modelOf(context, 'train', null)));
      const { loss: _a, tensors: gradientsA, ...restA } = a!;
      const { loss: _b, tensors: gradientsB, ...restB } = b!;
      expect(restB).toEqual(restA);
      expect(gradientsB.map(({ dtype, shape }) => ({ dtype, shape }))).toEqual(gradientsA.map(({ dtype, shape }) => ({ dtype, shape })));
    }
  });

  it('is found by this check if it is planted', () => {
    const leak = { kind: 'update', tensors: [{ data: [new Uint8Array(Float32Array.of(1, secret(3)).buffer)] }] };
    expect(numbersIn(leak)).toContain(secret(3));
    expect(numbersIn({ loss: secret(2) })).toContain(secret(2));
  });
});

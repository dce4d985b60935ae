import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrame, decodeRecords, encodeFrame, FRAME_VERSION } from '../../src/messages/frame.js';
import type { Message } from '../../src/messages/message.js';
import { anyMessage, examples, inShared, KINDS, messageOfKind, orMessageError, plain } from '../support/messages/arbitrary-messages.js';
import { decodeBody, pack, record } from '../support/messages/forged-frames.js';

const roundTrip = (messages: readonly Message[]): void => {
  const { frame, length, sizes } = encodeFrame(messages);
  const decoded = decodeFrame(frame, length, 'test frame');
  expect(decoded.messages.map(plain)).toEqual(messages.map(plain));
  expect(decoded.sizes).toEqual(sizes);
  const end = sizes.reduce((at, size) => Math.ceil(at / 8) * 8 + size, 0);
  expect(end).toBe(length);
};

/** The first byte of every kind of msgpack value: short numbers, maps, lists and texts, and all that have a byte of their own. */
const FORMATS = [0, 0x7f, 0x80, 0x82, 0x8f, 0x90, 0x92, 0x9f, 0xa0, 0xa4, 0xbf, 0xff, ...Array.from({ length: 32 }, (_, i) => 0xc0 + i)];

describe('a frame', () => {
  it.each(KINDS)('brings a %s message back as it was, with the size it was counted at', (kind) => {
    fc.assert(
      fc.property(messageOfKind(kind), (message) => roundTrip([message])),
      { numRuns: 60 },
    );
  });

  it('brings many messages back in order', () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 12 }), (messages) => roundTrip(messages)),
      { numRuns: 60 },
    );
  });

  it('carries pieces of shared memory from any place, also after smaller ones', () => {
    const base = examples()[2] as Extract<Message, { kind: 'model' }>;
    const { buffer, byteOffset } = inShared(Uint8Array.from({ length: 2000 }, (_, i) => i * 7));
    const shared = Array.from({ length: 16 }, (_, i) => new Uint8Array(buffer, byteOffset + 100 * i + (i % 9), 3 * i));
    const message = (data: readonly Uint8Array[]): Message => ({ ...base, tensors: [{ dtype: 'f32', shape: [data.length], data }] });
    roundTrip([message(shared.slice(0, 3)), message(shared), message([...shared.slice(4), Uint8Array.of(1, 2, 3), shared[2]!])]);
  });

  it('carries byte fields of any size, past 64 kB as well', () => {
    const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => i * 7);
    const base = examples()[2] as Extract<Message, { kind: 'model' }>;
    for (const size of [0, 1, 255, 256, 65_535, 65_536, 70_001, 1_500_000]) {
      const data = [bytes(size), inShared(bytes(size)), bytes(3)];
      const rows = Uint32Array.from({ length: size }, (_, i) => 2 * i);
      const message: Message = { ...base, rows, tensors: [{ dtype: 'int8', shape: [size, 3], data, scales: bytes(size) }] };
      const { frame, length } = encodeFrame([message, ...examples()]);
      const decoded = decodeFrame(frame, length, 'test frame').messages[0] as typeof base;
      const [tensor] = decoded.tensors;
      // Compared as buffers: a matcher's own comparison of millions of numbers takes minutes.
      tensor!.data.forEach((piece, i) => expect(Buffer.compare(piece, Buffer.from(data[i]!)), `piece ${i} of ${size}`).toBe(0));
      expect(Buffer.compare(tensor!.scales!, Buffer.from(bytes(size)))).toBe(0);
      expect(Buffer.compare(Buffer.from(decoded.rows!.buffer), Buffer.from(rows.buffer)), `rows of ${size}`).toBe(0);
    }
  });

  it('has room for any messages: the longest reasons, a tensor in thousands of pieces', () => {
    const [, , model, , , refuse] = examples() as [Message, Message, Extract<Message, { kind: 'model' }>, Message, Message, Message];
    // Three bytes a character.
    roundTrip(Array.from({ length: 200 }, () => ({ ...refuse, reason: '充'.repeat(200) }) as Message));
    const inPieces = { dtype: 'int8', shape: [4096], data: Array.from({ length: 4096 }, (_, i) => Uint8Array.of(i)) } as const;
    roundTrip([{ ...model, tensors: [inPieces, inPieces] }]);
    roundTrip(Array.from({ length: 200 }, () => ({ ...model, tensors: Array(8).fill({ dtype: 'f32', shape: [], data: [] }) })));
  });

  it('holds nothing when there are no messages', () => {
    const { frame, length, sizes } = encodeFrame([]);
    expect([length, sizes]).toEqual([0, []]);
    expect(decodeFrame(frame, length, 'test frame')).toEqual({ messages: [], sizes: [] });
  });

  it('keeps the encoded numbers when the tensors are overwritten afterwards', () => {
    const data = inShared(Uint8Array.of(1, 2, 3, 4));
    const base = examples()[2] as Extract<Message, { kind: 'model' }>;
    const { frame, length } = encodeFrame([{ ...base, tensors: [{ dtype: 'f32', shape: [1], data: [data] }] }]);
    data.fill(9);
    const decoded = decodeFrame(frame, length, 'test frame').messages[0] as typeof base;
    expect([...decoded.tensors[0]!.data[0]!]).toEqual([1, 2, 3, 4]);
  });

  it('cut off anywhere gives the whole messages before the cut, or MESSAGE', () => {
    const messages = [...examples(), ...examples()];
    const { frame, length, sizes } = encodeFrame(messages);
    const boundaries = new Map<number, number>([[0, 0]]);
    let at = 0;
    sizes.forEach((size, i) => {
      // A cut in the padding behind a message loses nothing of it.
      for (let end = at + size; end <= Math.ceil((at + size) / 8) * 8; end++) boundaries.set(end, i + 1);
      at = Math.ceil((at + size) / 8) * 8;
    });
    for (let cut = 0; cut < length; cut++) {
      for (const shortened of [frame, frame.slice(0, cut)]) {
        const result = orMessageError(() => decodeFrame(shortened, cut, 'cut frame'));
        const whole = boundaries.get(cut);
        if (whole === undefined)
          expect(result, `cut at ${cut}`).toMatch(/expected a (record header|message) of \d+ bytes, found the frame's end after \d+$/);
        else expect(plain(result), `cut at ${cut}`).toMatchObject({ messages: messages.slice(0, whole).map(plain) });
      }
    }
  });

  it('of a length it cannot have is refused', () => {
    const { frame } = encodeFrame(examples());
    for (const length of [frame.byteLength + 1, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(orMessageError(() => decodeFrame(frame, length, 'frame'))).toMatch(/^frame: expected at most \d+ bytes, found a length of/);
  });

  it('with any single byte changed gives messages or MESSAGE, never anything else', () => {
    for (const message of examples()) {
      const { frame, length } = encodeFrame([message]);
      const bytes = new Uint8Array(frame, 0, length);
      for (let at = 0; at < length; at++) {
        const kept = bytes[at]!;
        const flipped = Array.from({ length: 8 }, (_, bit) => kept ^ (1 << bit));
        for (const value of [...flipped, ...FORMATS]) {
          bytes[at] = value;
          orMessageError(() => decodeFrame(frame, length, 'changed frame'));
        }
        bytes[at] = kept;
      }
    }
  });

  it('with bytes changed, put in and taken out at random gives messages or MESSAGE', () => {
    const edit = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), remove: fc.nat(4), insert: fc.uint8Array({ maxLength: 4 }) });
    fc.assert(
      fc.property(
        fc.array(anyMessage, { minLength: 1, maxLength: 3 }),
        fc.array(edit, { minLength: 1, maxLength: 6 }),
        (messages, edits) => {
          const { frame, length } = encodeFrame(messages);
          let bytes = [...new Uint8Array(frame, 0, Math.min(length, 600))];
          for (const { at, remove, insert } of edits) bytes = bytes.toSpliced(Math.floor(at * bytes.length), remove, ...insert);
          const changed = Uint8Array.from(bytes).buffer;
          orMessageError(() => decodeFrame(changed, changed.byteLength, 'changed frame'));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('around arbitrary bytes gives MESSAGE', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (body) => {
        expect(orMessageError(() => decodeBody(body))).toBeTypeOf('string');
      }),
      { numRuns: 5000 },
    );
  });

  it('may ask for no more memory than it has bytes', () => {
    const length = [0x01, 0xc9, 0xc3, 0x80]; // 30 million
    const forged: Record<string, number[]> = {
      list: [0xdd, ...length],
      map: [0xdf, ...length],
      bytes: [0xc6, ...length],
      text: [0xdb, ...length],
      extension: [0xc9, ...length, 0x74],
      'list in a list': [0xdd, 0, 0, 0, 1, 0xdd, ...length],
      'list of tensors': [0x81, 0xa7, ...Buffer.from('tensors'), 0xdd, ...length],
    };
    for (const [name, body] of Object.entries(forged)) {
      const bytes = Uint8Array.from(body);
      const before = process.memoryUsage();
      expect(
        orMessageError(() => decodeBody(bytes)),
        name,
      ).toMatch(/^forged, byte 0: expected (a whole message|plain values)/);
      const after = process.memoryUsage();
      expect(after.heapUsed + after.external - before.heapUsed - before.external, name).toBeLessThan(8e6);
    }
    const frame = record(Uint8Array.of(0xc0));
    new DataView(frame).setUint32(4, 0xffffffff, true);
    expect(orMessageError(() => decodeFrame(frame, frame.byteLength, 'forged'))).toBe(
      "forged, byte 0: expected a message of 4294967295 bytes, found the frame's end after 1",
    );
  });

  it('nested without end, or made of references to itself, is refused at once', () => {
    expect(orMessageError(() => decodeBody(new Uint8Array(1_000_000).fill(0x91)))).toMatch(/expected at most 6 values inside one another/);
    // Each list holds the one before it twice: 40 levels are 2⁴⁰ leaves for a walk.
    const named = (id: number, ...body: number[]) => [0xd6, 0x69, 0, 0, 0, id, ...body];
    const reference = (id: number) => [0xd6, 0x70, 0, 0, 0, id];
    const levels = Array.from({ length: 40 }, (_, i) => named(i + 1, 0x92, ...(i === 0 ? [1, 1] : [...reference(i), ...reference(i)])));
    const bomb = Uint8Array.from([0xdc, 0, levels.length, ...levels.flat(), 0xc0]);
    expect(orMessageError(() => decodeBody(bomb))).toMatch(/expected plain values, found an extension/);
  });

  it('that would make the decoder construct objects by name is refused before it does', () => {
    // msgpackr reads an "error" of any global constructor: this one would be a Function.
    const forged = Uint8Array.from([0xd4, 0x65, 0, ...pack(['Function', 'globalThis.forged = true'])]);
    expect(orMessageError(() => decodeBody(forged))).toBe('forged, byte 0: expected plain values, found an extension (0xd4)');
  });

  it('with bytes behind its message is refused', () => {
    const body = pack(examples()[0]);
    expect(orMessageError(() => decodeBody(Uint8Array.from([...body, 0xc0])))).toBe(
      'forged, byte 0: expected one value, found 1 bytes more',
    );
  });

  it('of another version or with another magic is refused by name', () => {
    const body = pack(examples()[0]);
    const other = record(body, FRAME_VERSION + 1);
    expect(orMessageError(() => decodeFrame(other, other.byteLength, 'frame'))).toBe(
      `frame, byte 0: expected frame version ${FRAME_VERSION}, found version ${FRAME_VERSION + 1}`,
    );
    const magic = record(body);
    new Uint8Array(magic)[1] = 0x47;
    expect(orMessageError(() => decodeFrame(magic, magic.byteLength, 'frame'))).toBe(
      'frame, byte 0: expected the magic "MF", found 0x4d47',
    );
    const { frame, length, sizes } = encodeFrame(examples());
    const second = Math.ceil(sizes[0]! / 8) * 8;
    new Uint8Array(frame)[second] = 0;
    expect(orMessageError(() => decodeFrame(frame, length, 'frame'))).toMatch(`frame, byte ${second}: expected the magic "MF"`);
  });
});

it('a frame read record by record has an error in the place of each damaged record, and the other messages', () => {
  const messages = examples();
  const { frame, length, sizes } = encodeFrame(messages);
  const starts = sizes.map((_, index) => sizes.slice(0, index).reduce((at, size) => Math.ceil((at + size) / 8) * 8, 0));
  // The first byte of msgpack in the third and the last record.
  for (const index of [2, 5]) new Uint8Array(frame)[starts[index]! + 8] = 0xc1;
  const decoded = decodeRecords(frame, length, 'frame');
  expect(decoded.sizes).toEqual(sizes);
  decoded.records.forEach((record, index) => {
    if (index === 2 || index === 5) {
      expect(record).toMatchObject({
        code: 'MESSAGE',
        message: expect.stringMatching(`^frame, byte ${starts[index]}: expected plain values`),
      });
    } else expect(plain(record)).toEqual(plain(messages[index]!));
  });
  expect(orMessageError(() => decodeFrame(frame, length, 'frame'))).toMatch(`frame, byte ${starts[2]}: `);
});

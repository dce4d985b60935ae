import fc from 'fast-check';
import { isMetafleetError } from '../../../src/base/errors.js';
import { type DeviceId, deviceId } from '../../../src/base/units.js';
import type { Message, Model, PartScore, Purpose } from '../../../src/messages/message.js';
import { DTYPES, type WireTensor } from '../../../src/messages/tensor-form.js';

/** Messages of every kind with any content that the codec may be given; tensors need not fit any model here. */
const envelope = { round: fc.maxSafeNat(), device: fc.nat(2 ** 31 - 1).map(deviceId) };
const purpose = fc.constantFrom<Purpose>('train', 'evaluate');
/** msgpack has one zero. */
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));

const ascending = (ids: readonly number[]): Uint32Array => Uint32Array.from(new Set(ids)).sort();
const rows = fc.oneof(
  { weight: 9, arbitrary: fc.array(fc.nat(2 ** 32 - 1), { maxLength: 20 }).map(ascending) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 20_000 }).map((length) => Uint32Array.from({ length }, (_, i) => 3 * i)) },
);

/** As tensors lie: in memory of their own, inside a larger buffer, or in shared kernel memory. */
export const inShared = (bytes: Uint8Array): Uint8Array => {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 12), 8, bytes.length);
  shared.set(bytes);
  return shared;
};
const inside = (bytes: Uint8Array): Uint8Array => {
  const view = new Uint8Array(bytes.length + 7).subarray(3, 3 + bytes.length);
  view.set(bytes);
  return view;
};
const piece = fc
  .tuple(
    fc.uint8Array({ maxLength: 80 }),
    fc.constantFrom((bytes: Uint8Array) => bytes, inside, inShared),
  )
  .map(([bytes, place]) => place(bytes));

const tensor: fc.Arbitrary<WireTensor> = fc.record(
  {
    dtype: fc.constantFrom(...DTYPES),
    shape: fc.array(fc.maxSafeNat(), { maxLength: 4 }),
    data: fc.array(piece, { maxLength: 5 }),
    scales: piece,
    group: fc.nat(),
    bitmap: piece,
    gaps: piece,
  },
  { requiredKeys: ['dtype', 'shape', 'data'] },
);
const tensors = fc.array(tensor, { maxLength: 8 });
const part: fc.Arbitrary<PartScore> = fc.record({ count: fc.nat(), sums: fc.array(number, { maxLength: 12 }) });

const numbers = fc.array(number, { maxLength: 4 });
const bytes = fc.uint8Array({ maxLength: 300 });

const BY_KIND: { readonly [K in Message['kind']]: fc.Arbitrary<Extract<Message, { kind: K }>> } = {
  assign: fc.record(
    { kind: fc.constant('assign'), ...envelope, purpose, full: fc.constant(true) },
    { requiredKeys: ['kind', 'round', 'device', 'purpose'] },
  ),
  want: fc.record(
    { kind: fc.constant('want'), ...envelope, purpose, rows: fc.option(rows), tensors },
    { requiredKeys: ['kind', 'round', 'device', 'purpose', 'rows'] },
  ),
  model: fc
    .record({
      kind: fc.constant('model'),
      ...envelope,
      purpose,
      rows: fc.option(rows),
      tensors,
      announced: numbers,
      peers: rows,
      sealed: bytes,
    })
    .chain(({ announced, peers, sealed, ...model }) =>
      fc.constantFrom<Model>(model, { ...model, announced }, { ...model, peers, sealed }, { ...model, announced, peers, sealed }),
    ),
  update: fc.record(
    { kind: fc.constant('update'), ...envelope, count: fc.nat(), loss: number, rows, packed: fc.constant(true), tensors, marks: numbers },
    { requiredKeys: ['kind', 'round', 'device', 'count', 'loss', 'rows', 'tensors'] },
  ),
  advertise: fc.record({ kind: fc.constant('advertise'), ...envelope }),
  keys: fc.record({ kind: fc.constant('keys'), ...envelope, data: bytes }),
  share: fc.record({ kind: fc.constant('share'), ...envelope, ids: rows, data: bytes, threshold: fc.nat(), cohort: fc.nat() }),
  shares: fc.record({ kind: fc.constant('shares'), ...envelope, data: bytes }),
  masked: fc.record({ kind: fc.constant('masked'), ...envelope, data: bytes }),
  unmask: fc.record({ kind: fc.constant('unmask'), ...envelope, ids: rows, gone: rows }),
  reveal: fc.record({ kind: fc.constant('reveal'), ...envelope, data: bytes }),
  score: fc.record({ kind: fc.constant('score'), ...envelope, valid: part, test: part }),
  refuse: fc.record({ kind: fc.constant('refuse'), ...envelope, reason: fc.string({ unit: 'binary', maxLength: 100 }) }),
};
export const KINDS = Object.keys(BY_KIND) as readonly Message['kind'][];
export const messageOfKind = (kind: Message['kind']): fc.Arbitrary<Message> => BY_KIND[kind];
export const anyMessage: fc.Arbitrary<Message> = fc.oneof(...KINDS.map(messageOfKind));

/** A message with every byte field as a plain list, so that two can be compared whatever memory they lie in. */
export const plain = (value: unknown): unknown => {
  if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plain(child)]));
  return value;
};

const SPARSE: readonly WireTensor[] = [
  { dtype: 'f32', shape: [2, 3], data: [Uint8Array.from([0, 0, 128, 63])], gaps: Uint8Array.from([4]) },
  {
    dtype: 'int4',
    shape: [9],
    data: [Uint8Array.from([0x72])],
    scales: Uint8Array.from([0, 0, 128, 63]),
    group: 8,
    bitmap: Uint8Array.from([3, 0]),
  },
];

/** Messages of each kind, small: what mutations start from. */
export const examples = (device: DeviceId = deviceId(5)): readonly Message[] => {
  const shared = inShared(Uint8Array.from([1, 2, 3, 4]));
  const tensors: WireTensor[] = [
    { dtype: 'f32', shape: [2, 1], data: [shared, Uint8Array.from([5, 6, 7, 8])] },
    { dtype: 'int8', shape: [4], data: [Uint8Array.from([9, 8, 7, 6])], scales: Uint8Array.from([0, 0, 128, 63]) },
  ];
  return [
    { kind: 'assign', round: 1, device, purpose: 'train' },
    { kind: 'want', round: 2 ** 40, device, purpose: 'evaluate', rows: Uint32Array.of(1, 70_000) },
    { kind: 'model', round: 3, device, purpose: 'train', rows: null, tensors },
    { kind: 'update', round: 4, device, count: 2, loss: 0.25, rows: Uint32Array.of(3, 9), tensors },
    { kind: 'score', round: 5, device, valid: { count: 1, sums: [1, 0.5] }, test: { count: 0, sums: [0, 0] } },
    { kind: 'refuse', round: 6, device, reason: 'the battery is at 3 %' },
    { kind: 'want', round: 7, device, purpose: 'train', rows: null, tensors },
    { kind: 'update', round: 8, device, count: 3, loss: 0.5, rows: Uint32Array.of(3, 700), packed: true, tensors: SPARSE },
  ];
};

/** What a decoder may do with bytes that nobody vouches for: give a value, or raise MESSAGE in one line. Anything else is passed on. */
export const orMessageError = <T>(decode: () => T): T | string => {
  try {
    return decode();
  } catch (error) {
    if (isMetafleetError(error, 'MESSAGE') && /^.{1,400}$/.test(error.message)) return error.message;
    throw error;
  }
};

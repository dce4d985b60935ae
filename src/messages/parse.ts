import { badInput } from '../base/errors.js';
import { type DeviceId, deviceId } from '../base/units.js';
import { decodeGaps } from './gaps.js';
import type { Message, PartScore, Purpose } from './message.js';
import { DTYPES, type Dtype, type WireTensor } from './tensor-form.js';

/** Where a value is: written out for an error only. */
export type Place = () => string;

/** Checks a decoded value field by field and builds the message from what passed: nothing unknown is carried on. */
type Fields = Readonly<Record<string, unknown>>;

/** Quoted, so that an error stays one line whatever a peer wrote, and not longer than a line. */
const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

const show = (value: unknown): string => {
  if (typeof value === 'string') return quote(value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'bigint') return 'an integer of 64 bits';
  return typeof value === 'object' && value !== null ? 'a map' : (JSON.stringify(value) ?? String(value));
};

const fieldsOf = (value: unknown, keys: readonly string[], place: Place): Fields => {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw badInput('MESSAGE', place(), 'a map', show(value));
  }
  for (const key of Object.keys(value))
    if (!keys.includes(key)) throw badInput('MESSAGE', place(), `the fields ${keys.join(', ')}`, quote(key));
  return value as Fields;
};

const integer = (value: unknown, place: Place): number => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw badInput('MESSAGE', place(), 'a whole number ≥ 0', show(value));
  return value as number;
};

const finite = (value: unknown, place: Place): number => {
  if (!Number.isFinite(value)) throw badInput('MESSAGE', place(), 'a finite number', show(value));
  return value as number;
};

const oneOf = <T extends string>(value: unknown, allowed: readonly T[], place: Place): T => {
  if (!allowed.includes(value as T)) throw badInput('MESSAGE', place(), allowed.join(' or '), show(value));
  return value as T;
};

const bytes = (value: unknown, place: Place): Uint8Array => {
  if (!(value instanceof Uint8Array)) throw badInput('MESSAGE', place(), 'bytes', show(value));
  return value;
};

const list = (value: unknown, most: number, place: Place): readonly unknown[] => {
  if (!Array.isArray(value) || value.length > most) throw badInput('MESSAGE', place(), `a list of at most ${most}`, show(value));
  return value;
};

/** Item ids, strictly ascending. */
const rows = (value: unknown, place: Place): Uint32Array => {
  const data = bytes(value, place);
  if (data.length % 4 !== 0) throw badInput('MESSAGE', place(), 'a multiple of 4 bytes', String(data.length));
  // Byte by byte: few rows, as of one rating, then need no memory outside of V8's heap, which costs more than to read them.
  const ids = new Uint32Array(data.length / 4);
  for (let i = 0, at = 0; i < ids.length; i++, at += 4) {
    ids[i] = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
    if (i > 0 && ids[i]! <= ids[i - 1]!) throw badInput('MESSAGE', place(), 'ascending item ids', `${ids[i]} after ${ids[i - 1]}`);
  }
  return ids;
};

const packedRows = (value: unknown, place: Place): Uint32Array => decodeGaps(bytes(value, place), 2 ** 32, place);

const optionalRows = (value: unknown, place: Place): Uint32Array | null => (value === null ? null : rows(value, place));

/** A flag that is either set or not there. */
const flag = (value: unknown, place: Place): true | undefined => {
  if (value !== undefined && value !== true) throw badInput('MESSAGE', place(), 'true, or nothing', show(value));
  return value;
};

const MOST_TENSORS = 64;
const MOST_PIECES = 4096;
const MOST_SUMS = 256;

const TENSOR_FIELDS = ['dtype', 'shape', 'data', 'scales', 'group', 'bitmap', 'gaps'];

const tensor = (value: unknown, place: Place): WireTensor => {
  const { dtype, shape, data, scales, group, bitmap, gaps } = fieldsOf(value, TENSOR_FIELDS, place);
  const inShape = () => `${place()}.shape`;
  const inData = () => `${place()}.data`;
  return {
    dtype: oneOf<Dtype>(dtype, DTYPES, () => `${place()}.dtype`),
    shape: list(shape, 4, inShape).map((size) => integer(size, inShape)),
    data: list(data, MOST_PIECES, inData).map((piece) => bytes(piece, inData)),
    ...(scales === undefined ? {} : { scales: bytes(scales, () => `${place()}.scales`) }),
    ...(group === undefined ? {} : { group: integer(group, () => `${place()}.group`) }),
    ...(bitmap === undefined ? {} : { bitmap: bytes(bitmap, () => `${place()}.bitmap`) }),
    ...(gaps === undefined ? {} : { gaps: bytes(gaps, () => `${place()}.gaps`) }),
  };
};

const tensors = (value: unknown, place: Place): readonly WireTensor[] =>
  list(value, MOST_TENSORS, place).map((item, index) => tensor(item, () => `${place()}[${index}]`));

/** Numbers of update steps: a few. */
const numbers = (value: unknown, place: Place): readonly number[] => list(value, MOST_TENSORS, place).map((item) => finite(item, place));

const partScore = (value: unknown, place: Place): PartScore => {
  const { count, sums } = fieldsOf(value, ['count', 'sums'], place);
  const inSums = () => `${place()}.sums`;
  return {
    count: integer(count, () => `${place()}.count`),
    sums: list(sums, MOST_SUMS, inSums).map((sum) => finite(sum, inSums)),
  };
};

const PURPOSES: readonly Purpose[] = ['train', 'evaluate'];

const FIELDS: Readonly<Record<Message['kind'], readonly string[]>> = {
  assign: ['purpose', 'full'],
  want: ['purpose', 'rows', 'tensors'],
  model: ['purpose', 'rows', 'tensors', 'announced', 'peers', 'sealed'],
  update: ['count', 'loss', 'rows', 'packed', 'tensors', 'marks'],
  score: ['valid', 'test'],
  refuse: ['reason'],
  advertise: [],
  keys: ['data'],
  share: ['ids', 'data', 'threshold', 'cohort'],
  shares: ['data'],
  masked: ['data'],
  unmask: ['ids', 'gone'],
  reveal: ['data'],
};
const KINDS = Object.keys(FIELDS) as Message['kind'][];

const refusal = (value: unknown, place: Place): string => {
  if (typeof value !== 'string' || value.length > 200)
    throw badInput('MESSAGE', place(), 'a reason of at most 200 characters', show(value));
  return value;
};

/** A message of the union, or MESSAGE naming the field. */
export const parseMessage = (value: unknown, place: Place): Message => {
  const kind = oneOf(
    typeof value === 'object' && value !== null && 'kind' in value ? value.kind : value,
    KINDS,
    () => `${place()}, message kind`,
  );
  const where: Place = () => `${place()}, ${kind} message`;
  const fields = fieldsOf(value, ['kind', 'round', 'device', ...FIELDS[kind]], where);
  const field = <T>(name: string, read: (found: unknown, at: Place) => T): T => read(fields[name], () => `${where()}, ${name}`);
  const envelope: { round: number; device: DeviceId } = { round: field('round', integer), device: deviceId(field('device', integer)) };
  const purpose = (found: unknown, at: Place): Purpose => oneOf(found, PURPOSES, at);
  switch (kind) {
    case 'assign': {
      const full = field('full', flag);
      return { kind, ...envelope, purpose: field('purpose', purpose), ...(full === undefined ? {} : { full }) };
    }
    case 'want': {
      const want = { kind, ...envelope, purpose: field('purpose', purpose), rows: field('rows', optionalRows) };
      return fields['tensors'] === undefined ? want : { ...want, tensors: field('tensors', tensors) };
    }
    case 'model':
      return {
        kind,
        ...envelope,
        purpose: field('purpose', purpose),
        rows: field('rows', optionalRows),
        tensors: field('tensors', tensors),
        ...(fields['announced'] !== undefined && { announced: field('announced', numbers) }),
        ...(fields['peers'] !== undefined && { peers: field('peers', rows), sealed: field('sealed', bytes) }),
      };
    case 'update': {
      const count = field('count', integer);
      const packed = field('packed', flag);
      const update = {
        kind,
        ...envelope,
        count,
        loss: field('loss', finite),
        rows: field('rows', packed ? packedRows : rows),
        tensors: field('tensors', tensors),
        ...(packed && { packed }),
      };
      return fields['marks'] === undefined ? update : { ...update, marks: field('marks', numbers) };
    }
    case 'score':
      return { kind, ...envelope, valid: field('valid', partScore), test: field('test', partScore) };
    case 'refuse':
      return { kind, ...envelope, reason: field('reason', refusal) };
    case 'advertise':
      return { kind, ...envelope };
    case 'keys':
    case 'shares':
    case 'masked':
    case 'reveal':
      return { kind, ...envelope, data: field('data', bytes) };
    case 'share':
      return {
        ...{ kind, ...envelope, ids: field('ids', rows), data: field('data', bytes) },
        ...{ threshold: field('threshold', integer), cohort: field('cohort', integer) },
      };
    case 'unmask':
      return { kind, ...envelope, ids: field('ids', rows), gone: field('gone', rows) };
  }
};

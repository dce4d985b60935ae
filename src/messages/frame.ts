import { Packr, RESERVE_START_SPACE, Unpackr } from 'msgpackr';
import { badInput, isMetafleetError, MetafleetError, messageOf } from '../base/errors.js';
import { bytesOf } from '../base/views.js';
import { encodeGaps } from './gaps.js';
import type { Message } from './message.js';
import { type Place, parseMessage } from './parse.js';
import { checkMessagePack } from './scan.js';

/**
 * A frame carries many messages in one transferable buffer, so that a round costs one post per host, not one per device.
 *
 *   record: magic "MF" (2 bytes), version (1), zero (1), length of the message (u32, little-endian), msgpack message, padding to 8
 *
 * A message's size is its record without the padding: what the metrics say was sent is what was encoded here.
 * No shared msgpack structures: any peer can decode any frame.
 */
export const FRAME_VERSION = 1;
const RECORD_HEADER = 8;
const SLACK = 0x1000; // msgpackr starts no message within 2 kB of a buffer's end

export type Encoded = { readonly frame: ArrayBuffer; readonly length: number; readonly sizes: readonly number[] };

const packr = new Packr({ useRecords: false, moreTypes: false, encodeUndefinedAsNil: false });
/** Without references: a few hundred forged bytes could make them a tree that takes for ever to walk. */
const unpackr = new Unpackr({ useRecords: false, moreTypes: false, mapsAsObjects: true, structuredClone: false });

/** Where bytes of shared memory wait to be encoded, up to `staged`; what holds them does not matter once the message is. */
let staging = new Uint8Array(0);
let staged = 0;

/**
 * The piece, out of shared memory. V8 (11 and 12) copies shared memory byte by byte if source and target lie differently within words
 * of 8 bytes. In a message they mostly do. A copy by words to memory of our own, and from there, takes a third of the time.
 */
const unshared = (piece: Uint8Array): Uint8Array => {
  if (!(piece.buffer instanceof SharedArrayBuffer)) return piece;
  const start = ((staged + 7) & ~7) + (piece.byteOffset & 7);
  staged = start + piece.length;
  // Pieces that wait already keep the memory that they are in.
  if (staged > staging.length) staging = new Uint8Array(2 * staged);
  const copy = staging.subarray(start, staged);
  copy.set(piece);
  return copy;
};

/** Rows and tensors as bytes, little-endian. Field by field where it differs: a spread of what may be missing takes several times as long. */
const wireForm = (message: Message): object => {
  const form: { kind: string; rows?: unknown; tensors?: unknown; ids?: unknown; gone?: unknown; peers?: unknown } = { ...message };
  if ('ids' in message) form.ids = bytesOf(message.ids);
  if ('gone' in message) form.gone = bytesOf(message.gone);
  if ('peers' in message && message.peers !== undefined) form.peers = bytesOf(message.peers);
  if ('rows' in message && message.rows !== null)
    form.rows = 'packed' in message && message.packed === true ? encodeGaps(message.rows) : bytesOf(message.rows);
  if ('tensors' in message) {
    staged = 0;
    form.tensors = message.tensors.map((tensor) => ({ ...tensor, data: tensor.data.map(unshared) }));
  }
  return form;
};

/** An upper bound of a message's encoded size, from the parts of it that can be large. */
const sizeBound = (message: Message): number => {
  // As gaps, a row takes up to 5 bytes.
  let size = 512 + ('rows' in message && message.rows !== null ? 5 * message.rows.length : 0);
  if ('ids' in message) size += message.ids.byteLength;
  if ('gone' in message) size += message.gone.byteLength;
  if ('data' in message) size += message.data.length;
  if ('peers' in message) size += (message.peers?.byteLength ?? 0) + (message.sealed?.length ?? 0);
  if (message.kind === 'refuse') size += 3 * message.reason.length;
  if (message.kind === 'score') size += 9 * (message.valid.sums.length + message.test.sums.length);
  if ('tensors' in message) {
    for (const tensor of message.tensors) {
      const { scales, bitmap, gaps } = tensor;
      size += 160 + (scales?.length ?? 0) + (bitmap?.length ?? 0) + (gaps?.length ?? 0);
      size += tensor.data.reduce((sum, piece) => sum + piece.length + 5, 0);
    }
  }
  return size;
};

/**
 * Encodes messages straight into one buffer; tensors are copied once, from where they were computed, or twice, from shared memory.
 * `allocate` returns at least as many bytes as it is asked for; what they hold does not matter.
 */
export const encodeFrame = (
  messages: readonly Message[],
  allocate: (size: number) => ArrayBuffer = (size) => new ArrayBuffer(size),
): Encoded => {
  const frame = allocate(messages.reduce((sum, message) => sum + sizeBound(message), SLACK));
  const view = new DataView(frame);
  packr.useBuffer(Buffer.from(frame));
  let end = 0;
  const sizes = messages.map((message) => {
    const record = packr.pack(wireForm(message), RESERVE_START_SPACE | RECORD_HEADER);
    if (record.buffer !== frame) throw new Error(`a ${message.kind} message outgrew its size bound`);
    view.setUint16(record.byteOffset, 0x4d46);
    view.setUint8(record.byteOffset + 2, FRAME_VERSION);
    view.setUint32(record.byteOffset + 4, record.length - RECORD_HEADER, true);
    end = record.byteOffset + record.length;
    return record.length;
  });
  return { frame, length: end, sizes };
};

export type Records = { readonly records: readonly (Message | MetafleetError)[]; readonly sizes: readonly number[] };

/** Where each record of a frame lies. Throws MESSAGE, naming the byte, where a frame cannot be split into records. */
const split = function* (bytes: Buffer, place: string): Generator<{ readonly at: number; readonly start: number; readonly end: number }> {
  const { length } = bytes;
  for (let at = 0; at < length; ) {
    const refuse = (expected: string, found: string): never => {
      throw badInput('MESSAGE', `${place}, byte ${at}`, expected, found);
    };
    if (at + RECORD_HEADER > length) refuse(`a record header of ${RECORD_HEADER} bytes`, `the frame's end after ${length - at}`);
    if (bytes.readUInt16BE(at) !== 0x4d46) refuse('the magic "MF"', `0x${bytes.toString('hex', at, at + 2)}`);
    if (bytes[at + 2] !== FRAME_VERSION) refuse(`frame version ${FRAME_VERSION}`, `version ${bytes[at + 2]}`);
    const start = at + RECORD_HEADER;
    const end = start + bytes.readUInt32LE(at + 4);
    if (end > length) refuse(`a message of ${end - start} bytes`, `the frame's end after ${length - start}`);
    yield { at, start, end };
    at = (end + 7) & ~7;
  }
};

const parseRecord = (record: Uint8Array, where: Place): Message | MetafleetError => {
  try {
    checkMessagePack(record, where);
    let value: unknown;
    try {
      value = unpackr.unpack(record);
    } catch (error) {
      return badInput('MESSAGE', where(), 'valid msgpack', messageOf(error).replace(/\s+/g, ' ').slice(0, 100));
    }
    return parseMessage(value, where);
  } catch (error) {
    if (isMetafleetError(error)) return error;
    throw error;
  }
};

/**
 * Decodes a frame record by record. What `encodeFrame` would not have written comes out as the MESSAGE error that says why, and
 * leaves the others unharmed. Byte fields are views into the frame: copy them to keep them. Throws MESSAGE, naming
 * `place` and the byte, for a frame that cannot be split into records.
 */
export const decodeRecords = (frame: ArrayBuffer, length: number, place: string): Records => {
  if (!(length >= 0 && length <= frame.byteLength))
    throw badInput('MESSAGE', place, `at most ${frame.byteLength} bytes`, `a length of ${length}`);
  const bytes = Buffer.from(frame, 0, length);
  const records: (Message | MetafleetError)[] = [];
  const sizes: number[] = [];
  for (const { at, start, end } of split(bytes, place)) {
    records.push(parseRecord(bytes.subarray(start, end), () => `${place}, byte ${at}`));
    sizes.push(end - at);
  }
  return { records, sizes };
};

export type Decoded = { readonly messages: readonly Message[]; readonly sizes: readonly number[] };

/** Decodes a frame of which every record must be a message. Throws MESSAGE for the first that is not. */
export const decodeFrame = (frame: ArrayBuffer, length: number, place: string): Decoded => {
  const { records, sizes } = decodeRecords(frame, length, place);
  const messages = records.map((record) => {
    if (record instanceof MetafleetError) throw record;
    return record;
  });
  return { messages, sizes };
};

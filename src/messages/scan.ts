import { badInput } from '../base/errors.js';

/**
 * A walk over the tokens of one msgpack value, before anything is made of it: what a header claims must be there, nothing may
 * nest deeper than messages do, and extensions, by which a decoder would construct objects of a peer's choosing, do not occur
 * at all. Payload is passed over: the cost is that of the few dozen tokens around it.
 */

/** A message holds a list of tensors, each a map with lists: 5 deep with the bytes in them. */
const MOST_DEPTH = 6;

const from = (first: number, last: number) => (byte: number) => byte >= first && byte <= last;
const isInteger = from(0x00, 0x7f);
const isNegative = from(0xe0, 0xff);
const isMap = from(0x80, 0x8f);
const isList = from(0x90, 0x9f);
const isText = from(0xa0, 0xbf);

/** Bytes after the first, of values of fixed size: nil, booleans, floats, integers. */
const FIXED: Readonly<Record<number, number>> = {
  ...{ 192: 0, 194: 0, 195: 0, 202: 4, 203: 8 },
  ...{ 204: 1, 205: 2, 206: 4, 207: 8, 208: 1, 209: 2, 210: 4, 211: 8 },
};

/** Bytes of the length that follows, of bytes and texts. */
const SIZED: Readonly<Record<number, 1 | 2 | 4>> = { 196: 1, 197: 2, 198: 4, 217: 1, 218: 2, 219: 4 };
/** Of lists and maps, with the values that each entry takes. */
const COUNTED: Readonly<Record<number, readonly [length: 2 | 4, values: 1 | 2]>> = { 220: [2, 1], 221: [4, 1], 222: [2, 2], 223: [4, 2] };

/** Throws MESSAGE, naming `place`, unless the bytes are one msgpack value of the kinds that messages consist of, and no more. */
export const checkMessagePack = (bytes: Uint8Array, place: string): void => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length;
  /** Values still to come, by depth. */
  const open: number[] = [1];
  let at = 0;
  const refuse = (expected: string, found: string): never => {
    throw badInput('MESSAGE', place, expected, found);
  };
  const take = (size: number): number => {
    if (size > end - at) refuse('a whole message', `one that claims ${size} bytes where ${end - at} are left`);
    at += size;
    return at - size;
  };
  const length = (size: 1 | 2 | 4): number => {
    const start = take(size);
    return size === 1 ? view.getUint8(start) : size === 2 ? view.getUint16(start) : view.getUint32(start);
  };
  const nest = (values: number): void => {
    // Each value takes a byte at least.
    if (values > end - at) refuse('a whole message', `one that claims ${values} values where ${end - at} bytes are left`);
    if (values > 0) open.push(values);
    if (open.length > MOST_DEPTH + 1) refuse(`at most ${MOST_DEPTH} values inside one another`, 'more');
  };
  while (open.length > 0) {
    const depth = open.length - 1;
    if (open[depth] === 0) {
      open.pop();
      continue;
    }
    open[depth]! -= 1;
    const byte = bytes[take(1)]!;
    if (isInteger(byte) || isNegative(byte)) continue;
    if (isMap(byte)) nest(2 * (byte & 15));
    else if (isList(byte)) nest(byte & 15);
    else if (isText(byte)) take(byte & 31);
    else if (FIXED[byte] !== undefined) take(FIXED[byte]);
    else if (SIZED[byte] !== undefined) take(length(SIZED[byte]));
    else if (COUNTED[byte] !== undefined) nest(length(COUNTED[byte][0]) * COUNTED[byte][1]);
    else refuse('plain values', `an extension (0x${byte.toString(16)})`);
  }
  if (at < end) refuse('one value', `${end - at} bytes more`);
};

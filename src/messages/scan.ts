import { badInput } from '../base/errors.js';
import type { Place } from './parse.js';

/**
 * A walk over the tokens of one msgpack value, before anything is made of it. What a header claims must be there. Nothing may
 * nest deeper than messages do. Extensions do not occur at all: with them, a decoder would construct objects of a peer's choosing.
 * Payload is passed over: the cost is that of the few dozen tokens around it.
 */

/** A message holds a list of tensors, each a map with lists: 5 deep with the bytes in them. */
const MOST_DEPTH = 6;

/** What a value's first byte says, by byte; 0 where it says nothing of the kind. */
const byFirst = (...ranges: readonly (readonly [first: number, last: number, value: (byte: number) => number])[]): Uint8Array => {
  const values = new Uint8Array(256);
  for (const [first, last, value] of ranges) for (let byte = first; byte <= last; byte++) values[byte] = value(byte);
  return values;
};
const always = (value: number) => (): number => value;
const low = (bits: number) => (byte: number) => byte & (2 ** bits - 1);

/** Whether it is one of the kinds that messages consist of: integers, maps, lists, texts, nil, booleans, bytes and floats. */
const KNOWN = byFirst([0x00, 0xc0, always(1)], [0xc2, 0xc6, always(1)], [0xca, 0xd3, always(1)], [0xd9, 0xff, always(1)]);
/** Bytes that follow: of short texts, floats and integers. */
const FOLLOWING = byFirst(
  [0xa0, 0xbf, low(5)],
  [0xca, 0xca, always(4)],
  [0xcb, 0xcb, always(8)],
  // Unsigned, then signed: 1, 2, 4 and 8 bytes.
  [0xcc, 0xd3, (byte) => 1 << (byte & 3)],
);
/** Bytes of the number that follows: how long bytes and texts are, or of how many entries a list or map. */
const NUMBER = byFirst(
  [0xc4, 0xc6, (byte) => 1 << (byte - 0xc4)],
  [0xd9, 0xdb, (byte) => 1 << (byte - 0xd9)],
  [0xdc, 0xdf, (byte) => 2 << (byte & 1)],
);
/** Entries of short maps and lists, and the values that each entry of any takes. */
const ENTRIES = byFirst([0x80, 0x9f, low(4)]);
const VALUES = byFirst([0x80, 0x8f, always(2)], [0x90, 0x9f, always(1)], [0xdc, 0xdd, always(1)], [0xde, 0xdf, always(2)]);

/** Throws MESSAGE, naming `place`, unless the bytes are one msgpack value of the kinds that messages consist of, and no more. */
export const checkMessagePack = (bytes: Uint8Array, place: Place): void => {
  const end = bytes.length;
  /** Values still to come, by depth. */
  const open: number[] = [1];
  let at = 0;
  const refuse = (expected: string, found: string): never => {
    throw badInput('MESSAGE', place(), expected, found);
  };
  const take = (size: number): number => {
    if (size > end - at) refuse('a whole message', `one that claims ${size} bytes where ${end - at} are left`);
    at += size;
    return at - size;
  };
  const number = (size: number): number => {
    let value = 0;
    for (let from = take(size); from < at; from++) value = 256 * value + bytes[from]!;
    return value;
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
    if (KNOWN[byte] === 0) refuse('plain values', `an extension (0x${byte.toString(16)})`);
    const size = NUMBER[byte] === 0 ? 0 : number(NUMBER[byte]!);
    if (VALUES[byte]! > 0) nest(VALUES[byte]! * (ENTRIES[byte]! + size));
    else take(FOLLOWING[byte]! + size);
  }
  if (at < end) refuse('one value', `${end - at} bytes more`);
};

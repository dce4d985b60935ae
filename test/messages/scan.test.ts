import { describe, expect, it } from 'vitest';
import { checkMessagePack } from '../../src/messages/scan.js';
import { orMessageError } from '../support/messages/arbitrary-messages.js';

const verdict = (...bytes: number[]): unknown => orMessageError(() => checkMessagePack(Uint8Array.from(bytes), () => 'here'));
const zeros = (count: number): number[] => Array<number>(count).fill(0);

/** The first bytes of values, and how many bytes of each follow, as the format's specification has them. */
const WHOLE: Readonly<Record<string, readonly [head: readonly number[], rest: number]>> = {
  'the smallest integer': [[0x00], 0],
  'the largest of one byte': [[0x7f], 0],
  'the most negative of one byte': [[0xe0], 0],
  'minus one': [[0xff], 0],
  nil: [[0xc0], 0],
  false: [[0xc2], 0],
  true: [[0xc3], 0],
  float32: [[0xca], 4],
  float64: [[0xcb], 8],
  uint8: [[0xcc], 1],
  uint16: [[0xcd], 2],
  uint32: [[0xce], 4],
  uint64: [[0xcf], 8],
  int8: [[0xd0], 1],
  int16: [[0xd1], 2],
  int32: [[0xd2], 4],
  int64: [[0xd3], 8],
  'an empty text': [[0xa0], 0],
  'a text of 31 bytes': [[0xbf], 31],
  bin8: [[0xc4, 3], 3],
  bin16: [[0xc5, 1, 2], 258],
  bin32: [[0xc6, 0, 0, 1, 2], 258],
  str8: [[0xd9, 3], 3],
  str16: [[0xda, 1, 2], 258],
  str32: [[0xdb, 0, 0, 1, 2], 258],
  'an empty map': [[0x80], 0],
  'a map of 15': [[0x8f], 30],
  'an empty list': [[0x90], 0],
  'a list of 15': [[0x9f], 15],
  array16: [[0xdc, 1, 2], 258],
  array32: [[0xdd, 0, 0, 1, 2], 258],
  map16: [[0xde, 1, 2], 516],
  map32: [[0xdf, 0, 0, 1, 2], 516],
};

describe('a walk over msgpack', () => {
  it.each(Object.entries(WHOLE))('passes %s, neither a byte shorter nor longer', (_, [head, rest]) => {
    expect(verdict(...head, ...zeros(rest))).toBeUndefined();
    expect(verdict(...head, ...zeros(rest + 1))).toBe('here: expected one value, found 1 bytes more');
    const short = rest > 0 ? verdict(...head, ...zeros(rest - 1)) : verdict();
    expect(short).toMatch(/^here: expected a whole message, found one that claims \d+ (bytes|values) where \d+ (bytes )?are left$/);
  });

  it('refuses every other first byte, whatever follows', () => {
    const extensions = [0xc1, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8];
    for (const byte of extensions)
      expect(verdict(byte, ...zeros(40))).toBe(`here: expected plain values, found an extension (0x${byte.toString(16)})`);
  });

  it('goes six levels down, through lists and maps, and no further', () => {
    const nested = (levels: number, head: readonly number[]): number[] => [...Array.from({ length: levels }, () => head).flat(), 0xc0];
    for (const head of [[0x91], [0x81, 0x00]]) {
      expect(verdict(...nested(6, head))).toBeUndefined();
      expect(verdict(...nested(7, head))).toBe('here: expected at most 6 values inside one another, found more');
    }
    // What is over leaves room for what comes next.
    expect(verdict(0x92, ...nested(5, [0x91]), ...nested(5, [0x91]))).toBeUndefined();
  });

  it('tells at once what is claimed and what is left', () => {
    expect(verdict(0xc6, 0xff, 0xff, 0xff, 0xff, 0)).toBe(
      'here: expected a whole message, found one that claims 4294967295 bytes where 1 are left',
    );
    expect(verdict(0xdf, 0xff, 0xff, 0xff, 0xff, 0)).toBe(
      'here: expected a whole message, found one that claims 8589934590 values where 1 bytes are left',
    );
  });
});

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeLz4Frame } from '../../../src/data/tables/lz4-frame.js';

/** 200,000 bytes in blocks that look back into the ones before, by `pyarrow.compress(data, codec='lz4')` of pyarrow 26. */
const FRAME = readFileSync(join(import.meta.dirname, 'pattern.lz4'));
const SHA = '73c75a13b5deadf79c0525d25877a0418f108808946133ddfe62f9358c206b5a';

/** A frame of one block. */
const frameOf = (block: readonly number[], stored = false): Uint8Array =>
  Uint8Array.from([4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0, block.length, 0, 0, stored ? 0x80 : 0, ...block, 0, 0, 0, 0]);

describe('an LZ4 frame', () => {
  it('of another implementation is unpacked, with matches into earlier blocks', () => {
    const data = decodeLz4Frame(FRAME);
    expect(data).toHaveLength(200_000);
    expect(createHash('sha256').update(data).digest('hex')).toBe(SHA);
  });

  it('may hold a stored block, a match that overlaps itself, and nothing', () => {
    expect([...decodeLz4Frame(frameOf([7, 8, 9], true))]).toEqual([7, 8, 9]);
    expect([...decodeLz4Frame(frameOf([0x23, 7, 8, 2, 0, 0x10, 5]))]).toEqual([7, 8, 7, 8, 7, 8, 7, 8, 7, 5]);
    expect(decodeLz4Frame(frameOf([]).subarray(0, 11))).toHaveLength(0);
  });

  it('that is cut off anywhere, or has an offset of nothing, is refused', () => {
    for (let length = 0; length < FRAME.length; length += 7) expect(() => decodeLz4Frame(FRAME.subarray(0, length))).toThrow('LZ4: ');
    expect(() => decodeLz4Frame(frameOf([0x10, 7, 9, 0]))).toThrow('LZ4: an offset of 9 behind 1 bytes');
    expect(() => decodeLz4Frame(frameOf([0x10, 7, 0, 0]))).toThrow('LZ4: an offset of 0 behind 1 bytes');
  });
});

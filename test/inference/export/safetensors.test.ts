import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bytesOf } from '../../../src/base/views.js';
import { safetensorsHeader, writeSafetensors } from '../../../src/inference/export/safetensors.js';

type Entry = { readonly dtype: string; readonly shape: readonly number[]; readonly data_offsets: readonly [number, number] };

/** Reads the format as its specification says it. */
const read = (content: Buffer) => {
  const length = Number(content.readBigUInt64LE(0));
  const { __metadata__: metadata, ...entries } = JSON.parse(content.toString('utf8', 8, 8 + length)) as Record<string, Entry>;
  const data = content.subarray(8 + length);
  const tensors = Object.entries(entries).map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ]) => ({
      ...{ name, dtype, shape, from, to },
      values: Array.from({ length: (to - from) / 4 }, (_, at) => data.readFloatLE(from + 4 * at)),
    }),
  );
  return { start: 8 + length, size: data.length, metadata, tensors };
};

const tensor = (name: string, shape: readonly number[], ...pieces: readonly (readonly number[])[]) => ({
  ...{ name, shape },
  bytes: () => pieces.map((piece) => bytesOf(Float32Array.from(piece))),
});

const temporary = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'metafleet-safetensors-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'x.safetensors');
};

describe('writeSafetensors', () => {
  it('writes header, metadata and the numbers of every piece', async () => {
    const path = temporary();
    const tensors = [tensor('a "quoted"/ü', [3, 2], [1, 2], [3, 4, 5, 6]), tensor('empty', [0, 4]), tensor('b', [], [-0.5])];
    await writeSafetensors(path, tensors, { run: 'one' });
    const found = read(readFileSync(path));
    expect(found.metadata).toEqual({ run: 'one' });
    expect(found.tensors).toEqual([
      { name: 'a "quoted"/ü', dtype: 'F32', shape: [3, 2], from: 0, to: 24, values: [1, 2, 3, 4, 5, 6] },
      { name: 'empty', dtype: 'F32', shape: [0, 4], from: 24, to: 24, values: [] },
      { name: 'b', dtype: 'F32', shape: [], from: 24, to: 28, values: [-0.5] },
    ]);
    expect(found.start % 8).toBe(0);
    expect(found.size).toBe(28);
  });

  it('refuses two tensors of one name, and bytes that are not those of the shape', async () => {
    expect(() => safetensorsHeader([tensor('a', [1], [1]), tensor('a', [1], [2])], {})).toThrow(
      'tensor a: expected a name of its own for each tensor, found one name twice',
    );
    await expect(writeSafetensors(temporary(), [tensor('a', [2], [1])], {})).rejects.toThrow('tensor a: expected 8 bytes, found 4');
  });
});

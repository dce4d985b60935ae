import { open } from 'node:fs/promises';
import { badInput } from '../../base/errors.js';
import { elements } from '../../messages/wire-tensor.js';

/**
 * The format of the `safetensors` package, version 0.x: length of the header (u64, little-endian), header (JSON), data.
 * The header has dtype, shape and the span in the data of each tensor, and perhaps texts under `__metadata__`. Data follow each other
 * without gaps. Readers map them, so that the header is padded with blanks until data begin at a multiple of 8 bytes.
 */
export type SafeTensor = {
  readonly name: string;
  readonly shape: readonly number[];
  /** float32, little-endian, in pieces one behind the other. */
  bytes(): readonly Uint8Array[];
};

const METADATA = '__metadata__';
const ALIGN = 8;

export const safetensorsHeader = (tensors: readonly SafeTensor[], metadata: Readonly<Record<string, string>>): Buffer => {
  const entries = new Map<string, unknown>([[METADATA, metadata]]);
  let at = 0;
  for (const { name, shape } of tensors) {
    if (entries.has(name)) throw badInput('CONFIG', `tensor ${name}`, 'a name of its own for each tensor', 'one name twice');
    const end = at + 4 * elements(shape);
    entries.set(name, { dtype: 'F32', shape, data_offsets: [at, end] });
    at = end;
  }
  const text = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const padded = Math.ceil(text.length / ALIGN) * ALIGN;
  const header = Buffer.alloc(8 + padded, ' ');
  header.writeBigUInt64LE(BigInt(padded), 0);
  text.copy(header, 8);
  return header;
};

/** Writes float32 tensors, which are read one after another. Throws if a tensor's bytes are not those of its shape. */
export const writeSafetensors = async (
  path: string,
  tensors: readonly SafeTensor[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> => {
  const file = await open(path, 'w');
  try {
    await file.writeFile(safetensorsHeader(tensors, metadata));
    for (const { name, shape, bytes } of tensors) {
      const pieces = bytes();
      const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
      if (length !== 4 * elements(shape)) throw new Error(`tensor ${name}: expected ${4 * elements(shape)} bytes, found ${length}`);
      for (const piece of pieces) await file.writeFile(piece);
    }
    await file.sync();
  } finally {
    await file.close();
  }
};

import { join } from 'node:path';
import { badInput } from '../../base/errors.js';
import type { Feedback } from '../dataset.js';
import type { Whole } from '../splits/labels.js';
import { scanColumn } from './column-file.js';
import { MANIFEST, type Manifest } from './manifest.js';

/** [from, to) */
export type Span = { readonly from: number; readonly to: number };

/** @throws MetafleetError DATA where the manifest does not name the column. */
export const columnOf = (folder: string, manifest: Manifest, name: string) => {
  const column = manifest.columns[name];
  if (column === undefined) throw badInput('DATA', join(folder, MANIFEST), `the column ${name}`, Object.keys(manifest.columns).join(', '));
  return column;
};

/** Row offsets of users [from, to), and the end of the last: counted from the first row of the set. */
export const readOffsets = (folder: string, manifest: Manifest, { from, to }: Span): Uint32Array => {
  const offsets = new Uint32Array(to - from + 1);
  scanColumn(folder, columnOf(folder, manifest, 'offsets'), { from, to: to + 1 }, (numbers, at) => offsets.set(numbers, at - from));
  return offsets;
};

/**
 * The records of users [from, to): only the byte range of their rows is read and checked. Values are 1 where `feedback` is implicit.
 * Cost: 8 B a record, 16 B with times, and one block of a column.
 */
export const readWhole = (folder: string, manifest: Manifest, range: Span, feedback: Feedback): Whole => {
  const places = readOffsets(folder, manifest, range);
  const first = places[0]!;
  const rows = { from: first, to: places.at(-1)! };
  const count = rows.to - rows.from;
  const offsets = new Uint32Array(new SharedArrayBuffer(places.byteLength));
  for (const [user, place] of places.entries()) offsets[user] = place - first;
  const items = new Uint32Array(new SharedArrayBuffer(4 * count));
  const values = new Float32Array(new SharedArrayBuffer(4 * count));
  scanColumn(folder, columnOf(folder, manifest, 'items'), rows, (numbers, at) => items.set(numbers, at - first));
  const { ratingsOfCodes } = manifest;
  const codes = ratingsOfCodes === undefined ? undefined : Float32Array.from(ratingsOfCodes);
  if (feedback === 'implicit') values.fill(1);
  else {
    scanColumn(folder, columnOf(folder, manifest, 'values'), rows, (numbers, at) => {
      if (codes === undefined) values.set(numbers, at - first);
      else for (let i = 0, row = at - first; i < numbers.length; i++, row++) values[row] = codes[numbers[i]!]!;
    });
  }
  const whole = { offsets, items, values, users: range.to - range.from, itemCount: manifest.items };
  if (manifest.columns['times'] === undefined) return whole;
  const times = new Float64Array(new SharedArrayBuffer(8 * count));
  scanColumn(folder, manifest.columns['times'], rows, (numbers, at) => times.set(numbers, at - first));
  return { ...whole, times };
};

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { badInput } from '../../base/errors.js';
import { hashBlocks, numbersOf } from './column-file.js';
import { type ColumnEntry, type Manifest, NUMBER_BYTES } from './manifest.js';

/** A whole column at once. @throws MetafleetError DATA when it is damaged. */
const readAll = (folder: string, column: ColumnEntry) => {
  const path = join(folder, column.file);
  const bytes = column.length * NUMBER_BYTES[column.type];
  const found = hashBlocks(path, 0, column.blocks.length, bytes);
  const wrong = found.findIndex((hash, block) => hash !== column.blocks[block]);
  if (wrong >= 0) throw badInput('DATA', path, `the checksum of the manifest for block ${wrong}`, 'another one: import the source again');
  const file = readFileSync(path);
  return numbersOf(column.type, file.buffer.slice(file.byteOffset, file.byteOffset + bytes) as ArrayBuffer);
};

/** Texts that are kept as their UTF-8 and where each ends. */
export const readTexts = (folder: string, { columns }: Manifest, name: string): readonly string[] => {
  const ends = readAll(folder, columns[`${name}-ends`]!);
  const texts = Buffer.from(readAll(folder, columns[`${name}-texts`]!).buffer as ArrayBuffer);
  return Array.from(ends, (end, at) => texts.toString('utf8', at === 0 ? 0 : ends[at - 1]!, end));
};

/** Original ids by dense id, or undefined where there are none. They are read when they are asked for: a run needs none. */
export const readIds = (folder: string, manifest: Manifest, of: 'user' | 'item'): readonly string[] | undefined => {
  const { columns } = manifest;
  const [kind, count] = of === 'user' ? [manifest.userIds, manifest.users] : [manifest.itemIds, manifest.items];
  switch (kind) {
    case 'none':
      return undefined;
    case 'dense':
      return Array.from({ length: count }, (_, id) => String(id));
    case 'integers':
      return Array.from(readAll(folder, columns[`${of}-ids`]!), String);
    case 'texts':
      return readTexts(folder, manifest, `${of}-ids`);
  }
};

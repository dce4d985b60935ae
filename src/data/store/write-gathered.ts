import { idOf } from '../formats/reading.js';
import type { Gathered } from '../import/assemble.js';
import { countingType } from './column-file.js';
import type { Manifest, NumberType } from './manifest.js';
import { highestOf, type IdsWritten, idWriter, numberWriter, type Written } from './sort/finish.js';
import { codesIn } from './sort/sort.js';
import { isWhole } from './spill/parse.js';
import { codesOf, noFacts, valueGatherer } from './spill/value-facts.js';

const writeIds = (folder: string, name: string, ids: readonly string[]): IdsWritten => {
  const numbers = Float64Array.from(ids, (id) => {
    const known = idOf(id);
    return typeof known === 'number' ? known : Number.NaN;
  });
  const numeric = !numbers.some(Number.isNaN);
  const writer = idWriter(folder, name, numeric, numeric ? highestOf(numbers) : 0);
  for (const [at, id] of ids.entries()) writer.add(numeric ? numbers[at]! : Buffer.from(id));
  return writer.close();
};

const writeNumbers = (folder: string, name: string, type: NumberType, numbers: Iterable<number>): Written => {
  const writer = numberWriter(folder, name, type);
  for (const number of numbers) writer.add(number);
  return writer.close();
};

/** Writes a set that is in memory. */
export const writeGathered = (
  folder: string,
  gathered: Gathered,
): { columns: Record<string, Written>; manifest: Omit<Manifest, 'columns'> } => {
  const { name, scale, feedback, whole, userIds, itemIds, parts } = gathered;
  const { users, itemCount, offsets, items, values, times } = whole;
  const facts = noFacts();
  const note = valueGatherer(facts);
  for (const value of values) note(value);
  const codes = codesOf(facts);
  const [ofUsers, ofItems] = [writeIds(folder, 'user-ids', userIds), writeIds(folder, 'item-ids', itemIds)];
  const columns: Record<string, Written> = {
    ...ofUsers.columns,
    ...ofItems.columns,
    offsets: writeNumbers(folder, 'offsets', 'u32', offsets),
    items: writeNumbers(folder, 'items', countingType(itemCount), items),
    values:
      codes === undefined ? writeNumbers(folder, 'values', 'f32', values) : writeNumbers(folder, 'values', 'u8', codesIn(values, codes)),
  };
  if (times?.some((time) => !Number.isNaN(time))) {
    const areWhole = times.every(isWhole);
    columns['times'] = writeNumbers(folder, 'times', areWhole ? 'u32' : 'f64', times);
  }
  if (parts !== undefined) columns['parts'] = writeNumbers(folder, 'parts', 'u8', parts);
  return {
    columns,
    manifest: {
      ...{ format: 'metafleet-columns', version: 1, name, users, items: itemCount, ratings: items.length, scale, feedback },
      ...{ userIds: ofUsers.kind, itemIds: ofItems.kind },
      ...(codes !== undefined && { ratingsOfCodes: codes }),
    },
  };
};

import { join } from 'node:path';
import { synthesizeUsers } from '../synthetic.js';
import type { SyntheticOptions } from '../synthetic-options.js';
import { columnWriter, countingType, numbersOf } from './column-file.js';
import { hashAll } from './import.js';
import { type Manifest, NUMBER_BYTES } from './manifest.js';
import { numberWriter, type Written } from './sort/finish.js';
import type { RemoteThread } from './spill/import-threads.js';

/** A synthetic set as columns, user by user: memory is that of one user, and 4 B for each. */
export const writeSynthetic = async (
  threads: readonly RemoteThread[],
  folder: string,
  name: string,
  options: SyntheticOptions,
  seed: number,
  progress: (ratings: number) => void,
): Promise<Manifest> => {
  const { users, items, ratings, noise } = options;
  const itemType = countingType(items);
  const files = { items: `items.${itemType}`, values: 'values.f32' };
  const itemColumn = columnWriter(join(folder, files.items));
  const valueColumn = columnWriter(join(folder, files.values));
  const offsets = numberWriter(folder, 'offsets', 'u32');
  offsets.add(0);
  let end = 0;
  const facts = synthesizeUsers(options, seed, (_, chosen, values) => {
    end += chosen.length;
    offsets.add(end);
    const numbers = numbersOf(itemType, new ArrayBuffer(chosen.length * NUMBER_BYTES[itemType]));
    numbers.set(chosen);
    itemColumn.write(numbers);
    valueColumn.write(values);
    progress(chosen.length);
  });
  itemColumn.close();
  valueColumn.close();
  const columns: Record<string, Written> = {
    offsets: offsets.close(),
    items: { file: files.items, type: itemType, length: ratings },
    values: { file: files.values, type: 'f32', length: ratings },
  };
  return {
    ...{ format: 'metafleet-columns', version: 1, name, users, items, ratings, scale: facts.scale, feedback: 'explicit' },
    ...{ userIds: 'none', itemIds: 'none', synthetic: { seed, bestMse: facts.bestMse, noise } },
    columns: await hashAll(threads, folder, columns),
  };
};

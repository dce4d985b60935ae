import { badInput } from '../base/errors.js';
import type { Dataset } from '../data/dataset.js';

/** Original ids and dense ones, and titles. Synthetic sets have no original ids: there the dense number is the id. */
export type Names = {
  readonly users: IdNames;
  readonly items: IdNames;
  /** null: the data has none of this item. */
  title(item: number): string | null;
  readonly hasTitles: boolean;
};

export type IdNames = {
  readonly count: number;
  idOf(dense: number): string;
  /** undefined: an id that the data does not have. */
  find(id: string): number | undefined;
};

const idNames = (count: number, ids: readonly string[] | undefined): IdNames => {
  if (ids === undefined)
    return { count, idOf: String, find: (id) => (/^(0|[1-9]\d{0,14})$/.test(id) && Number(id) < count ? Number(id) : undefined) };
  let table: Map<string, number> | undefined;
  return {
    count,
    idOf: (dense) => ids[dense]!,
    find: (id) => {
      table ??= new Map(ids.map((text, dense) => [text, dense]));
      return table.get(id);
    },
  };
};

/** `titles`: by original id, in addition to those of the data. */
export const namesOf = (dataset: Dataset, titles: ReadonlyMap<string, string> = new Map()): Names => {
  const { users, items, userIds, itemIds, itemTitles } = dataset;
  const known = idNames(items, itemIds);
  return {
    users: idNames(users, userIds),
    items: known,
    title: (item) => titles.get(known.idOf(item)) ?? (itemTitles?.[item] || null),
    hasTitles: titles.size > 0 || itemTitles !== undefined,
  };
};

/** The dense id. Throws CONFIG naming `place` for an id that the data does not have. */
export const idIn = (names: IdNames, id: string, place: string, what: 'user' | 'item'): number => {
  const found = names.find(id);
  if (found !== undefined) return found;
  const some = Array.from({ length: Math.min(3, names.count) }, (_, dense) => names.idOf(dense)).join(', ');
  throw badInput(
    'CONFIG',
    place,
    `an id of one of the ${names.count} ${what}s of the data, such as ${some}`,
    JSON.stringify(id.slice(0, 60)),
  );
};

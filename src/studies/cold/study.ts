import { badInput } from '../../base/errors.js';
import { loadDataset } from '../../data/load.js';
import { measureOpponents, type OpponentRow } from './opponents.js';
import { itemPool } from './protocol.js';

export type ColdOptions = {
  readonly data: string;
  readonly seeds: readonly number[];
  /** Records that each user keeps; half of them are the support set. */
  readonly records: number;
  readonly features: 'all' | readonly string[];
};

/** C-W: cold users choose among warm items. C-C: among cold items, 20 % of those that have a record. */
const SETTINGS = { 'C-W': 0, 'C-C': 0.2 } as const;

export type ColdTable = {
  readonly setting: keyof typeof SETTINGS;
  readonly seed: number;
  readonly users: { readonly warm: number; readonly valid: number; readonly test: number };
  readonly items: { readonly all: number; readonly candidates: number };
  readonly rows: readonly OpponentRow[];
};
export type ColdResult = { readonly study: 'cold20'; readonly options: ColdOptions; readonly tables: readonly ColdTable[] };

/** Both settings of `cold20` for every seed. Throws DATA for data without enough records. */
export const runCold20 = async (options: ColdOptions, onProgress: (note: string) => void): Promise<ColdResult> => {
  const { data, seeds, records, features } = options;
  const tables: ColdTable[] = [];
  for (const setting of Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]) {
    for (const seed of seeds) {
      onProgress(`${setting}, seed ${seed}`);
      const splitting = { records, support: records / 2, coldItems: SETTINGS[setting], describedOnly: true };
      const dataset = await loadDataset(data, { split: 'cold-users', splitting, seed, feedback: 'implicit', features });
      const count = (role: number): number => dataset.roles!.users.filter((of) => of === role).length;
      const users = { warm: count(0), valid: count(1), test: count(2) };
      if (Math.min(users.warm, users.valid, users.test) === 0)
        throw badInput(
          'DATA',
          data,
          `users of each group with ${records} records for ${setting}`,
          `${users.warm} warm, ${users.valid} of validation, ${users.test} of test`,
        );
      const candidates = itemPool(dataset).length;
      const rows = await measureOpponents(dataset, seed);
      tables.push({ setting, seed, users, items: { all: dataset.items, candidates }, rows });
    }
  }
  return { study: 'cold20', options, tables };
};

/** Fewest ratings that a user and an item must have. 0 and 1 leave all. */
export type CorePolicy = {
  readonly minUser?: number;
  readonly minItem?: number;
  /** k-core: both, again and again until nothing more falls out. */
  readonly core?: number;
};

export type CoreResult = { readonly keep: Uint8Array; readonly users: number; readonly items: number; readonly rows: number };

/**
 * Marks the rows that stay (1). `minItem` is applied once, then `minUser` once. `core` is applied as long as something falls out.
 * The order does not matter (Batagelj, Zaversnik: An O(m) Algorithm for Cores Decomposition of Networks, 2003). Returns how many
 * users, items and rows fell out. Cost: a pass over the rows each time; 4 B a user and item, 1 B a row.
 */
export const coreOf = (
  users: Uint32Array,
  items: Uint32Array,
  sizes: { readonly users: number; readonly items: number },
  policy: CorePolicy,
): CoreResult => {
  const { minUser = 0, minItem = 0, core = 0 } = policy;
  const keep = new Uint8Array(users.length).fill(1);
  const countsOf = (ids: Uint32Array, size: number): Uint32Array => {
    const counts = new Uint32Array(size);
    for (let row = 0; row < ids.length; row++) if (keep[row] === 1) counts[ids[row]!]!++;
    return counts;
  };
  const before = [countsOf(users, sizes.users), countsOf(items, sizes.items)] as const;
  let rows = 0;
  const drop = (ids: Uint32Array, size: number, least: number): number => {
    if (least <= 1) return 0;
    const counts = countsOf(ids, size);
    let dropped = 0;
    for (let row = 0; row < ids.length; row++) {
      if (keep[row] === 0 || counts[ids[row]!]! >= least) continue;
      keep[row] = 0;
      dropped++;
    }
    rows += dropped;
    return dropped;
  };
  drop(items, sizes.items, minItem);
  drop(users, sizes.users, minUser);
  while (core > 1 && drop(items, sizes.items, core) + drop(users, sizes.users, core) > 0);
  const lost = (counts: Uint32Array, after: Uint32Array): number =>
    counts.reduce((sum, count, id) => sum + Number(count > 0 && after[id] === 0), 0);
  return { keep, users: lost(before[0], countsOf(users, sizes.users)), items: lost(before[1], countsOf(items, sizes.items)), rows };
};

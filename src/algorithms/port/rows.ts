/** Position of an item's row in a model's row tensors. `rows` are ascending. null: there is a row for every item. */
export const rowOf = (rows: Uint32Array | null, item: number): number => {
  if (rows === null) return item;
  const row = lowerBound(rows, item);
  if (rows[row] !== item) throw new Error(`the model has no row for item ${item}`);
  return row;
};

/** First position in ascending `rows` that is not below `item`. */
export const lowerBound = (rows: Uint32Array, item: number): number => {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle]! < item) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** Distinct items of a batch, ascending: the rows its update touches. */
export const distinctRows = (items: ArrayLike<number>): Uint32Array => {
  const sorted = new Uint32Array(items.length);
  let ascending = true;
  for (let i = 0; i < sorted.length; i++) {
    sorted[i] = items[i]!;
    ascending &&= i === 0 || sorted[i]! >= sorted[i - 1]!;
  }
  if (!ascending) sorted.sort();
  let count = 0;
  for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[count++] = sorted[i]!;
  return count === sorted.length ? sorted : sorted.slice(0, count);
};

/** Where each item's rows start in a list by item, for `items` items from `first` on. The last entry is the number of rows. */
export const startsByItem = (lists: readonly Uint32Array[], first: number, items: number): Uint32Array => {
  const starts = new Uint32Array(items + 1);
  for (const rows of lists) {
    for (const row of rows) starts[row - first + 1]! += 1;
  }
  for (let item = 0; item < items; item++) starts[item + 1]! += starts[item]!;
  return starts;
};

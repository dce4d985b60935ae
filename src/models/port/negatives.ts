import type { Random } from '../../base/random.js';
import type { Ratings } from '../../data/dataset.js';

/** Whether a user has a training rating of an item. */
type Seen = (user: number, item: number) => boolean;

/** Bits beyond this many bytes are not kept: each row is searched instead. */
const MOST_BYTES = 256e6;

const searched = ({ offsets, items }: Ratings): Seen => {
  const sorted = items.slice();
  for (let user = 0; user + 1 < offsets.length; user++) sorted.subarray(offsets[user]!, offsets[user + 1]!).sort();
  return (user, item) => {
    let [low, high] = [offsets[user]!, offsets[user + 1]!];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]! < item) low = middle + 1;
      else high = middle;
    }
    return low < offsets[user + 1]! && sorted[low] === item;
  };
};

const seenIn = (train: Ratings, itemCount: number): Seen => {
  const { offsets, items } = train;
  const users = offsets.length - 1;
  const width = Math.ceil(itemCount / 8);
  if (users * width > MOST_BYTES) return searched(train);
  const bits = new Uint8Array(users * width);
  for (let user = 0; user < users; user++) {
    for (let row = offsets[user]!; row < offsets[user + 1]!; row++) bits[user * width + (items[row]! >>> 3)]! |= 1 << (items[row]! & 7);
  }
  return (user, item) => (bits[user * width + (item >>> 3)]! & (1 << (item & 7))) !== 0;
};

/** Draws before a user who rated nearly everything gets a rated item after all. */
const MOST_DRAWS = 100;

export type DrawNegative = (user: number, source: Random) => number;

/** Draws items uniformly among those that the user has not rated in training. */
export const createNegatives = (train: Ratings, items: number): DrawNegative => {
  const seen = seenIn(train, items);
  return (user, source) => {
    let item = source.integer(items);
    for (let draws = 1; draws < MOST_DRAWS && seen(user, item); draws++) item = source.integer(items);
    return item;
  };
};

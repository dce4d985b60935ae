// Lists the hidden units that are not zero for two users, for the generation of all items.
// Behind a ReLU and dropout half of the units are zero. A tile of two users leaves out units that are zero for both.
// Users are paired so that they share many units.
//
// The records of all pairs stand first:
//
//   u32   the first user
//   u32   the second user (−1: none, for the last of an odd number)
//   u32   the end of the pair's list
//   u32   in the first record: whether lists are worthwhile
//   list  for each unit its offset (u32) into an item's block of w, and the values of both users
//
// Behind the records there are a bit for each unit of each user, and a mark for each user that has a partner.

/** A partner is looked for among so many users, an even number. So the time grows with the cohort, not with its square. */
const WINDOW: i32 = 64;
export const HEAD: usize = 16, UNIT: usize = 12;

/** At most so many of twelve units are listed: a step by a list takes a twelfth longer than one over all units. */
const MOST_OF_12: usize = 11;

// @ts-ignore: decorator
@inline
export function areWorthwhile(pairs: usize): bool {
  return load<u32>(pairs, 12) != 0;
}

// @ts-ignore: decorator
@inline
export function recordSize(o: i32): usize {
  return HEAD + UNIT * <usize>o;
}

export function pairUnits(users: i32, o: i32, s: i32, h: usize, pairs: usize): void {
  const hRow = (<usize>o) << 2, words = <usize>(((o + 63) >> 6) << 3);
  const bits = pairs + <usize>((users + 1) >> 1) * recordSize(o), taken = bits + <usize>users * words;
  for (let u = 0; u < users; u++) markUnits(o, h + <usize>u * hRow, bits + <usize>u * words, words);
  memory.fill(taken, 0, (<usize>users) << 2);
  let record = pairs;
  let listed: usize = 0;
  for (let u = 0; u < users; u++) {
    if (load<i32>(taken + ((<usize>u) << 2))) continue;
    const v = nearest(u, min(users, u - u % WINDOW + WINDOW), bits, words, taken);
    if (v >= 0) store<i32>(taken + ((<usize>v) << 2), 1);
    listUnits(record, u, v, o, s, h + <usize>u * hRow, h + <usize>max(u, v) * hRow);
    if (v >= 0) listed += <usize>load<u32>(record, 8) - record - HEAD;
    record += recordSize(o);
  }
  const all = UNIT * <usize>o * <usize>(users >> 1);
  const wanted: usize = 12 * listed;
  if (users) store<u32>(pairs, wanted <= MOST_OF_12 * all ? 1 : 0, 12);
}

/** One bit for each unit that is not zero. */
function markUnits(o: i32, h: usize, bits: usize, words: usize): void {
  const zero = f32x4.splat(0);
  let p = 0;
  memory.fill(bits, 0, words);
  for (; p + 4 <= o; p += 4) mark(p, i32x4.bitmask(f32x4.ne(v128.load(h + ((<usize>p) << 2)), zero)), bits);
  for (; p < o; p++) mark(p, i32(load<f32>(h + ((<usize>p) << 2)) != 0), bits);
}

// @ts-ignore: decorator
@inline
function mark(p: i32, units: i32, bits: usize): void {
  const at = bits + ((<usize>(p >> 6)) << 3);
  store<u64>(at, load<u64>(at) | (<u64>units << (p & 63)));
}

/** Among the users behind u without a partner, the first with whom u has the fewest units together. −1: there is none. */
function nearest(u: i32, end: i32, bits: usize, words: usize, taken: usize): i32 {
  const mine = bits + <usize>u * words;
  let found = -1;
  let least = i64.MAX_VALUE;
  for (let v = u + 1; v < end; v++) {
    if (load<i32>(taken + ((<usize>v) << 2))) continue;
    const theirs = bits + <usize>v * words;
    let units: i64 = 0;
    for (let at: usize = 0; at < words; at += 8) units += <i64>popcnt<u64>(load<u64>(mine + at) | load<u64>(theirs + at));
    if (units < least) {
      least = units;
      found = v;
    }
  }
  return found;
}

function listUnits(record: usize, u: i32, v: i32, o: i32, s: i32, hu: usize, hv: usize): void {
  let at = record + HEAD;
  for (let p: usize = 0; p < <usize>o; p++) {
    const x = load<f32>(hu + (p << 2)), y = load<f32>(hv + (p << 2));
    store<u32>(at, <u32>((p * <usize>s) << 2));
    store<f32>(at, x, 4);
    store<f32>(at, y, 8);
    // Without a branch: no processor could predict it.
    at += UNIT * <usize>(i32(x != 0) | i32(y != 0));
  }
  store<i32>(record, u);
  store<i32>(record, v, 4);
  store<u32>(record, <u32>at, 8);
}

// node dist/scripts/bench/data/generate.js FILE ratings users items [text]: a CSV of ratings as large as wanted, the same bytes every time.
import { closeSync, openSync, writeSync } from 'node:fs';

export type Shape = { readonly ratings: number; readonly users: number; readonly items: number; readonly text: boolean };

/** A well-mixed 32-bit number of an integer (Murmur3's finalizer). */
const mixed = (value: number): number => {
  let h = Math.imul(value ^ 0x9e3779b9, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};

/** Decimal digits of `value` into `bytes` from `at` on; returns where they end. */
const digits = (value: number, bytes: Uint8Array, at: number, width: number): number => {
  let rest = value;
  for (let i = at + width - 1; i >= at; i--) {
    const next = Math.floor(rest / 10);
    bytes[i] = 48 + rest - 10 * next;
    rest = next;
  }
  return at + width;
};

/** Steps that are coprime to the ranges below: `i · step mod range` meets each number once. */
const [USER_RANGE, USER_STEP, ITEM_RANGE, ITEM_STEP, STRIDE] = [9e9, 398_765_431, 9e6, 387_641, 7919];

/**
 * Ids of users have 10 digits (behind a `u` if `text`), those of items 7, ratings are 0.5 … 5.0. A user's ratings are spread over the whole file.
 * How many there are varies from user to user, and some items are more popular. Every user occurs, and no pair occurs twice.
 */
export const writeRatings = (path: string, { ratings, users, items, text }: Shape): void => {
  const file = openSync(path, 'w');
  const buffer = Buffer.alloc(1 << 22);
  let at = buffer.write('userId,movieId,rating\n');
  const mean = ratings / users;
  const step = [40_503, 30_011, 20_011, 10_007].find((candidate) => users % candidate !== 0) ?? 1;
  let written = 0;
  for (let pass = 0; written < ratings; pass++) {
    for (let i = 0; i < users && written < ratings; i++) {
      const user = (i * step + pass * 17) % users;
      const hash = mixed(user);
      // Exponential: 1 + Exp(mean − 1), a tenth more, so that the last pass has enough.
      if (pass > 0 && pass > -Math.log((hash + 1) / 2 ** 32) * 1.1 * (mean - 1) + 0.5) continue;
      const item = (Math.floor(items * (mixed(hash) / 2 ** 32) ** 2.5) + pass * STRIDE) % items;
      const half = 1 + (mixed(hash + pass) % 10);
      if (text) buffer[at++] = 117;
      at = digits(1e9 + ((user * USER_STEP) % USER_RANGE), buffer, at, 10);
      buffer[at++] = 44;
      at = digits(1e6 + ((item * ITEM_STEP) % ITEM_RANGE), buffer, at, 7);
      buffer[at++] = 44;
      buffer[at++] = 48 + (half >> 1);
      buffer[at++] = 46;
      buffer[at++] = half % 2 === 0 ? 48 : 53;
      buffer[at++] = 10;
      written++;
      if (at > buffer.length - 64) {
        writeSync(file, buffer, 0, at);
        at = 0;
      }
    }
  }
  writeSync(file, buffer, 0, at);
  closeSync(file);
};

if (process.argv[1]?.endsWith('generate.js')) {
  const [path, ratings, users, items, text] = process.argv.slice(2);
  writeRatings(path!, { ratings: Number(ratings), users: Number(users), items: Number(items), text: text === 'text' });
}

/**
 * Seeded randomness. Its key says what it is for, never which code asks first.
 * `random(seed, 'batch', round, device)` gives the same stream on every thread and in every order of arrival.
 * Streams are sfc32 (Chris Doty-Humphrey, PractRand), seeded by hashing the keys with MurmurHash3's mixer.
 */
export type Random = {
  /** Uniform in [0, 1), 32 bits of it. */
  readonly uniform: () => number;
  /** Standard normal (Box–Muller, both halves used). */
  readonly normal: () => number;
  /** Uniform integer in [0, bound); bound < 2³². */
  readonly integer: (bound: number) => number;
};

export type Key = number | string;

const mix = (hash: number, word: number): number => {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = hash ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
};

const absorb = (hash: number, key: Key): number => {
  if (typeof key === 'number') return mix(mix(hash, key | 0), Math.floor(key / 2 ** 32) | 0);
  let h = mix(hash, key.length);
  for (let i = 0; i < key.length; i++) h = mix(h, key.charCodeAt(i));
  return h;
};

export const random = (seed: number, ...keys: readonly Key[]): Random => {
  let a = absorb(0x9e3779b9, seed);
  for (const key of keys) a = absorb(a, key);
  let b = mix(a, 1);
  let c = mix(b, 2);
  let counter = 1;
  const next = (): number => {
    const t = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) next();

  const uniform = (): number => next() / 2 ** 32;
  let spare: number | undefined;
  const normal = (): number => {
    if (spare !== undefined) {
      const kept = spare;
      spare = undefined;
      return kept;
    }
    const radius = Math.sqrt(-2 * Math.log((next() + 1) / 2 ** 32));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  return { uniform, normal, integer: (bound) => Math.floor(uniform() * bound) };
};

/** Fisher–Yates, in place. */
export const shuffle = <T extends { [index: number]: number; readonly length: number }>(values: T, source: Random): T => {
  for (let i = values.length - 1; i > 0; i--) {
    const j = source.integer(i + 1);
    const kept = values[i]!;
    values[i] = values[j]!;
    values[j] = kept;
  }
  return values;
};

/** `count` distinct integers of [0, bound), in random order (Floyd, 1987, then shuffled); all of them when count ≥ bound. */
export const distinct = (count: number, bound: number, source: Random): Uint32Array => {
  const size = Math.min(count, bound);
  const chosen = new Set<number>();
  for (let i = bound - size; i < bound; i++) {
    const candidate = source.integer(i + 1);
    chosen.add(chosen.has(candidate) ? i : candidate);
  }
  return shuffle(Uint32Array.from(chosen), source);
};

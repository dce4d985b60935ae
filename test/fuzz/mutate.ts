import type { Random } from '../../src/base/random.js';

/** Mutations of bytes, texts and trees: of what a format is made of, not only noise. */
const one = <T>(values: readonly T[], { integer }: Random): T => values[integer(values.length)]!;

/** Where formats break: signs, ends of ranges, markers of lists, maps, texts and extensions in msgpack. */
const BYTES = [
  0, 1, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x91, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc4, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcf, 0xd3,
] as const;
const MORE_BYTES = [0xd4, 0xd6, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff, 10, 13, 34, 35, 38, 42, 44, 58, 91, 123] as const;
const WORDS = [0, 1, 0x7f, 0xff, 0x100, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 30_000_000] as const;

const splice = (bytes: Uint8Array, from: number, count: number, put: Uint8Array): Uint8Array => {
  const out = new Uint8Array(bytes.length - count + put.length);
  out.set(bytes.subarray(0, from));
  out.set(put, from);
  out.set(bytes.subarray(from + count), from + put.length);
  return out;
};

const word = (value: number, littleEndian: boolean): Uint8Array => {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value, littleEndian);
  return out;
};

type ByteMutation = (bytes: Uint8Array, source: Random, other: Uint8Array) => Uint8Array;

const BYTE_MUTATIONS: readonly ByteMutation[] = [
  (bytes, { integer }) => splice(bytes, integer(bytes.length), 1, Uint8Array.of(integer(256))),
  (bytes, source) =>
    splice(bytes, source.integer(bytes.length), 1, Uint8Array.of(one(source.uniform() < 0.5 ? BYTES : MORE_BYTES, source))),
  (bytes, { integer }) => {
    const at = integer(bytes.length);
    return splice(bytes, at, 1, Uint8Array.of(bytes[at]! ^ (1 << integer(8))));
  },
  (bytes, source) => {
    const at = source.integer(Math.max(1, bytes.length - 4));
    return splice(bytes, at, Math.min(4, bytes.length - at), word(one(WORDS, source), source.uniform() < 0.5));
  },
  (bytes, { integer }) => bytes.slice(0, integer(bytes.length)),
  (bytes, { integer }) =>
    splice(
      bytes,
      integer(bytes.length),
      0,
      Uint8Array.from({ length: 1 + integer(9) }, () => integer(256)),
    ),
  (bytes, { integer }) => {
    const at = integer(bytes.length);
    return splice(bytes, at, Math.min(bytes.length - at, 1 + integer(9)), new Uint8Array(0));
  },
  (bytes, { integer }) => {
    const at = integer(bytes.length);
    return splice(bytes, integer(bytes.length), 0, bytes.slice(at, at + 1 + integer(40)));
  },
  (bytes, { integer }, other) => {
    const at = integer(other.length);
    return splice(bytes, integer(bytes.length), 0, other.slice(at, at + 1 + integer(60)));
  },
  (bytes, source) => splice(bytes, source.integer(bytes.length), 0, new Uint8Array(1 + source.integer(400)).fill(one(BYTES, source))),
];

/** One to four mutations; `other` is another example to take pieces from. */
export const mutateBytes = (bytes: Uint8Array, other: Uint8Array, source: Random): Uint8Array => {
  let mutated = bytes;
  for (let left = 1 + source.integer(4); left > 0 && mutated.length > 0; left--)
    mutated = one(BYTE_MUTATIONS, source)(mutated, source, other);
  return mutated;
};

const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);

/** What a field may be given instead of what belongs there. */
const VALUES: readonly (() => unknown)[] = [
  ...[0, -0, -1, 1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e308, Number.NaN, Number.POSITIVE_INFINITY].map((value) => () => value),
  ...['', '__proto__', 'constructor', 'train', 'f32', '../../etc/passwd', '\u0000', 'x'.repeat(300), '\ud800'].map((value) => () => value),
  ...[null, true, false, [], {}, [[]], [1, 2, 3]].map((value) => () => structuredClone(value)),
  () => deep(40),
  () => Object.fromEntries([['__proto__', { polluted: true }]]),
  () => ({ constructor: { prototype: { polluted: true } } }),
  () => Uint8Array.of(1, 2, 3),
  () => new Uint8Array(16),
];

type Tree = Record<string, unknown>;
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);

const define = (tree: Tree, key: string, value: unknown): void => {
  Object.defineProperty(tree, key, { value, enumerable: true, configurable: true, writable: true });
};

const mutateAt = (tree: Tree, key: string, source: Random): void => {
  switch (source.integer(5)) {
    case 0:
      delete tree[key];
      return;
    case 1:
      define(tree, one(['__proto__', 'constructor', 'toString', `${key}x`, ''], source), tree[key]);
      return;
    default:
      define(tree, key, one(VALUES, source)());
  }
};

/** A copy of a tree with one to three places changed: another value, another key, or nothing. */
export const mutateTree = (tree: unknown, source: Random): unknown => {
  const copy = structuredClone(tree);
  for (let left = 1 + source.integer(3); left > 0; left--) {
    let node: unknown = copy;
    for (;;) {
      if (!isTree(node)) break;
      const keys = Object.keys(node);
      if (keys.length === 0) break;
      const key = one(keys, source);
      if (!isTree(node[key]) || source.uniform() < 0.3) {
        mutateAt(node, key, source);
        break;
      }
      node = node[key];
    }
  }
  return copy;
};

/** Lines in another order, twice, missing, or with a piece of one put into another. */
export const mutateLines = (lines: readonly string[], pieces: readonly string[], source: Random): readonly string[] => {
  const out = [...lines];
  for (let left = 1 + source.integer(3); left > 0 && out.length > 0; left--) {
    const at = source.integer(out.length);
    const line = out[at]!;
    switch (source.integer(6)) {
      case 0:
        out.splice(at, 1);
        break;
      case 1:
        out.splice(source.integer(out.length), 0, line);
        break;
      case 2:
        out.splice(at, 1, line.slice(0, source.integer(line.length + 1)) + one(pieces, source));
        break;
      case 3: {
        const cut = source.integer(line.length + 1);
        out.splice(at, 1, line.slice(0, cut) + one(pieces, source) + line.slice(cut));
        break;
      }
      case 4:
        out.splice(
          at,
          1,
          line.replace(/[^:,;\t]*$/, () => one(pieces, source)),
        );
        break;
      default:
        out.splice(at, 0, one(pieces, source));
    }
  }
  return out;
};

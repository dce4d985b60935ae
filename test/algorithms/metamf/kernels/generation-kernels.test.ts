import { describe, expect, it } from 'vitest';
import { type ServerKernels, serverReference } from '../../../../src/algorithms/metamf/kernels/server-kernels.js';
import * as Generator from '../../../../src/algorithms/metamf/kernels/structs/generator.js';
import * as List from '../../../../src/algorithms/metamf/kernels/structs/row-list.js';
import { pairRoom, unitRoom } from '../../../../src/algorithms/metamf/kernels/unit-room.js';
import { random } from '../../../../src/base/random.js';
import { simdKernels } from '../../../../src/tensor/kernels/simd.js';
import { structOf } from '../../../../src/tensor/memory/struct.js';
import { implementationsOf } from '../../../support/tensors/implementations.js';
import {
  BEYOND_2_GIB,
  type Call,
  createWorkbench,
  expectSameNumbers,
  expectSameOutcome,
  farMemory,
  indices,
  largestDifference,
  product,
  real,
  whole,
} from '../../../support/tensors/kernel-workbench.js';

// As in the tests of the port's kernels, whole-number inputs make every sum exact. So an implementation must equal the definition bit for bit.

const { definition, others, all, expectSame: expectSameOf } = implementationsOf<ServerKernels>(serverReference, { SIMD: simdKernels });
const blocks = product([4, 8, 12, 16], [0, 1, 2, 7, 64, 128]);

describe.each(others)('generation of $name', (implementation) => {
  const { on } = implementation;
  const expectSame = expectSameOf(implementation);

  it('generateItems equals the reference for every count of users and items, and writes only its own items', () => {
    for (const [s, o] of blocks) {
      for (const [users, count] of product([0, 1, 2, 3, 6], [0, 1, 2, 3, 4, 5, 9])) {
        const first = 2,
          stride = (first + count + 1) * s + 4,
          source = random(18, s, o, users, count);
        const h = whole(source, users * o),
          w = whole(source, (first + count) * o * s),
          bias = whole(source, (first + count) * s),
          out = whole(source, users * stride);
        expectSame((kernels, put, pass) => {
          const generator = pass(structOf(Generator, { o, s, w: put(w), bias: put(bias) }));
          kernels.generateItems(generator, users, first, count, put(h), 0, put(out), stride);
        }, `${users} users, ${count} items, o = ${o}, s = ${s}`);
      }
    }
  });

  it('pairUnits pairs users who share their units', () => {
    const [users, o, s] = [6, 70, 8];
    // Users 0 and 4, 1 and 3, 2 and 5 have the same ones.
    const groups = [0, 1, 2, 1, 0, 2];
    const h = Float32Array.from({ length: users * o }, (_, at) => ((at % o) % 3 === groups[Math.floor(at / o)]! ? 1 : 0));
    const { buffers } = on((kernels, put) => kernels.pairUnits(users, o, s, put(h), put(new Uint32Array(pairRoom(users, o)))));
    const words = buffers[1]!;
    const record = (k: number) => Array.from(words.subarray(k * (4 + 3 * o), k * (4 + 3 * o) + 2));
    expect([0, 1, 2].map(record)).toEqual([
      [0, 4],
      [1, 3],
      [2, 5],
    ]);
  });

  it('generateRows and backwardRows equal the reference, with repeated users, items and slots', () => {
    for (const [s, o] of blocks) {
      for (const count of [0, 1, 2, 3, 4, 5, 11]) {
        const users = 3,
          items = 5,
          slots = 4,
          source = random(19, s, o, count);
        const user = indices(source, count, users),
          item = indices(source, count, items),
          slot = indices(source, count, slots);
        const h = whole(source, users * o),
          w = whole(source, items * o * s),
          bias = whole(source, items * s),
          place = Uint32Array.from({ length: count }, (_, row) => count - 1 - row),
          d = whole(source, count * s);
        const g = whole(source, slots * o * s),
          gBias = whole(source, slots * s),
          dh = whole(source, users * o),
          room = new Float32Array(unitRoom(users, o)),
          out = whole(source, count * s);
        const label = `${count} rows, o = ${o}, s = ${s}`;
        expectSame((kernels, put, pass) => {
          const generator = pass(structOf(Generator, { o, s, w: put(w), bias: put(bias) }));
          const list = pass(structOf(List, { count, user: put(user), item: put(item), place: put(place) }));
          kernels.generateRows(generator, list, put(h), put(out));
        }, `generate ${label}`);
        expectSame((kernels, put, pass) => {
          const generator = pass(structOf(Generator, { o, s, w: put(w) }));
          const lists = { count, user: put(user), item: put(item), place: put(slot), upstream: put(d), fresh: 1000 };
          const units = put(room);
          kernels.backwardRows(generator, pass(structOf(List, lists)), users, put(h), units, put(g), put(gBias), put(dh));
          // It may leave any numbers there.
          kernels.zero(room.length, units);
        }, `backward ${label}`);
      }
    }
  });
});

describe.each(all)('generation of $name', ({ on }) => {
  it('generateItems has the same bits with pairs of users as without, for any zero units', () => {
    const generate = (users: number, o: number, s: number, h: Float32Array, w: Float32Array, bias: Float32Array, paired: boolean) =>
      on((kernels, put, pass) => {
        const out = put(new Float32Array(users * 7 * s));
        const generator = pass(structOf(Generator, { o, s, w: put(w), bias: put(bias) }));
        const ph = put(h);
        const pairs = put(new Float32Array(pairRoom(users, o)));
        if (paired) kernels.pairUnits(users, o, s, ph, pairs);
        kernels.generateItems(generator, users, 0, 7, ph, paired ? pairs : 0, out, 7 * s);
        kernels.zero(pairRoom(users, o), pairs);
      });
    for (const [s, o] of product([4, 8, 12], [0, 1, 2, 63, 64, 65, 129])) {
      for (const [users, density] of product([0, 1, 2, 3, 5, 64, 65, 130], [0, 0.1, 0.4, 0.9, 1])) {
        const source = random(23, s, o, users, 10 * density);
        const h = real(source, users * o).map((value) => (source.uniform() < density ? value : 0));
        const [w, bias] = [real(source, 7 * o * s), real(source, 7 * s)];
        const label = `${users} users, o = ${o}, s = ${s}, density ${density}`;
        expectSameOutcome(generate(users, o, s, h, w, bias, true), generate(users, o, s, h, w, bias, false), label);
      }
    }
  });

  it('slots from `fresh` on are zeroed by the first of their rows, and those below are added to', () => {
    for (const [s, o] of blocks) {
      const [count, users, items, slots, fresh] = [7, 3, 5, 4, 2];
      const source = random(22, s, o);
      const user = indices(source, count, users),
        item = indices(source, count, items),
        slot = Uint32Array.of(0, 0, 1, 2, 2, 2, 3);
      const h = whole(source, users * o),
        w = whole(source, items * o * s),
        d = whole(source, count * s),
        g = whole(source, slots * o * s),
        gBias = whole(source, slots * s);
      const zeroed = (values: Float32Array, size: number) => values.map((value, at) => (at < fresh * size ? value : 0));
      const run = (from: number, weights: Float32Array, biases: Float32Array) =>
        on((kernels, put, pass) => {
          const generator = pass(structOf(Generator, { o, s, w: put(w) }));
          const lists = { count, user: put(user), item: put(item), place: put(slot), upstream: put(d), fresh: from };
          const hidden = [put(h), put(new Float32Array(unitRoom(users, o)))] as const;
          const gradients = [put(weights), put(biases), put(new Float32Array(users * o))] as const;
          kernels.backwardRows(generator, pass(structOf(List, lists)), users, ...hidden, ...gradients);
        });
      expectSameOutcome(run(fresh, g, gBias), run(slots, zeroed(g, o * s), zeroed(gBias, s)), `o = ${o}, s = ${s}`);
    }
  });

  it('a row has the same bits in a full and in a sparse generation', () => {
    for (const s of [4, 8, 12]) {
      const users = 3,
        items = 7,
        o = 129,
        source = random(20, s);
      const h = real(source, users * o),
        w = real(source, items * o * s),
        bias = real(source, items * s),
        out = new Float32Array(users * items * s);
      const pairs = product([0, 1, 2], [0, 1, 2, 3, 4, 5, 6]);
      const user = Uint32Array.from(pairs, ([u]) => u),
        item = Uint32Array.from(pairs, ([, i]) => i),
        place = Uint32Array.from(pairs, (_, row) => row);
      const full = on((kernels, put, pass) => {
        const generator = pass(structOf(Generator, { o, s, w: put(w), bias: put(bias) }));
        kernels.generateItems(generator, users, 0, items, put(h), 0, put(out), items * s);
      });
      const sparse = on((kernels, put, pass) => {
        const generator = pass(structOf(Generator, { o, s, w: put(w), bias: put(bias) }));
        const list = pass(structOf(List, { count: pairs.length, user: put(user), item: put(item), place: put(place) }));
        kernels.generateRows(generator, list, put(h), put(out));
      });
      expectSameNumbers(sparse.buffers.at(-1)!, full.buffers.at(-1)!, `s = ${s}`);
    }
  });
});

describe.each(others)('rounding of $name', ({ on }) => {
  const o = 512,
    s = 8,
    source = random(21);
  const h = real(source, 4 * o),
    w = real(source, 4 * o * s),
    bias = real(source, 4 * s),
    d = real(source, 4 * s);
  const out = new Float32Array(16 * s),
    four = Uint32Array.of(0, 1, 2, 3);

  it.each<[string, Call<ServerKernels>]>([
    [
      'generateItems',
      (kernels, put, pass) => {
        const generator = pass(structOf(Generator, { o, s, w: put(w), bias: put(bias) }));
        kernels.generateItems(generator, 4, 0, 4, put(h), 0, put(out), 4 * s);
      },
    ],
    [
      'backwardRows',
      (kernels, put, pass) => {
        const generator = pass(structOf(Generator, { o, s, w: put(w) }));
        const lists = { count: 4, user: put(four), item: put(four), place: put(four), upstream: put(d), fresh: 4 };
        const units = put(new Float32Array(unitRoom(4, o)));
        const gradients = [put(w), put(bias), put(new Float32Array(4 * o))] as const;
        kernels.backwardRows(generator, pass(structOf(List, lists)), 4, put(h), units, ...gradients);
        kernels.zero(unitRoom(4, o), units);
      },
    ],
  ])('%s stays within float32 rounding of the float64 sum', (_, call) => {
    const error = largestDifference(on(call), definition.on(call));
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(5e-5);
  });
});

describe.each(others)('pointers of $name', ({ implement }) => {
  it.each(BEYOND_2_GIB)('reach %s', (_, base) => {
    const memory = farMemory();
    const n = 5,
      s = 8,
      o = 64,
      users = 3,
      source = random(22);
    const h = whole(source, users * o),
      w = whole(source, n * o * s),
      bias = whole(source, n * s),
      out = whole(source, users * n * s);
    const user = indices(source, n, users),
      item = indices(source, n, n),
      d = whole(source, n * s);
    const call: Call<ServerKernels> = (kernels, put, pass) => {
      const ph = put(h),
        pw = put(w),
        pBias = put(bias),
        pUser = put(user),
        pItem = put(item),
        pd = put(d),
        pOut = put(out);
      const pg = put(new Float32Array(n * o * s)),
        pgBias = put(new Float32Array(n * s)),
        pdh = put(new Float32Array(users * o)),
        units = put(new Float32Array(unitRoom(users, o)));
      const room = put(new Float32Array(pairRoom(users, o)));
      const generator = pass(structOf(Generator, { o, s, w: pw, bias: pBias }));
      const list = pass(structOf(List, { count: n, user: pUser, item: pItem, place: pItem, upstream: pd, fresh: 1000 }));
      kernels.pairUnits(users, o, s, ph, room);
      kernels.generateItems(generator, users, 0, n, ph, room, pOut, n * s);
      kernels.zero(pairRoom(users, o), room);
      kernels.generateRows(generator, list, ph, put(new Float32Array(n * s)));
      kernels.backwardRows(generator, list, users, ph, units, pg, pgBias, pdh);
      kernels.zero(unitRoom(users, o), units);
    };
    const [found, expected] = [implement, definition.implement].map((each) => createWorkbench(each, base, memory)(call));
    expectSameOutcome(found!, expected!);
  });
});

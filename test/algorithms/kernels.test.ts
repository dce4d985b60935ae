import { afterEach, describe, expect, it } from 'vitest';
import { allReferences } from '../../src/algorithms/kernels.js';
import { type ServerTask, serverReference } from '../../src/algorithms/metamf/kernels/server-kernels.js';
import * as Generator from '../../src/algorithms/metamf/kernels/structs/generator.js';
import * as List from '../../src/algorithms/metamf/kernels/structs/row-list.js';
import { random } from '../../src/base/random.js';
import { modelReferences } from '../../src/models/kernels.js';
import { createKernelPool } from '../../src/tensor/kernels/kernel-pool.js';
import { simdKernels } from '../../src/tensor/kernels/simd.js';
import { createArena } from '../../src/tensor/memory/arena.js';
import { placeStruct } from '../../src/tensor/memory/struct.js';
import { expectSameNumbers, real, sharedMemory } from '../support/tensors/kernel-workbench.js';

/** Conversions of messages. Their reference is the loops of float16.ts and rounding.ts (test/messages/conversions.test.ts). */
const CONVERSIONS = ['encodeHalves', 'decodeHalves', 'scaleRows', 'roundRows', 'spreadRows'];

describe('the kernels of all algorithms and central models', () => {
  it('are defined by a reference, each, and by no more', () => {
    const memory = sharedMemory(1);
    expect(Object.keys(simdKernels(memory)).toSorted()).toEqual(
      [...CONVERSIONS, ...Object.keys({ ...allReferences(memory), ...modelReferences(memory) })].toSorted(),
    );
  });

  it('take no more than eight numbers', () => {
    const counts = Object.entries(simdKernels(sharedMemory(1))).map(([name, kernel]) => [name, kernel.length] as const);
    expect(counts.length).toBeGreaterThan(30);
    expect(counts.filter(([, count]) => count > 8)).toEqual([]);
  });
});

const open: (() => Promise<void>)[] = [];
afterEach(async () => void (await Promise.all(open.splice(0).map((close) => close()))));

describe.each(['simd', 'reference'] as const)("a pool's threads (%s)", (implementation) => {
  it("run an algorithm's own kernels, beside those of the port", async () => {
    const [users, items, o, s] = [5, 12, 64, 8];
    const outcome = async (threads: number): Promise<Float32Array> => {
      const arena = createArena(2 ** 20);
      const pool = await createKernelPool({ reference: serverReference, threads, memories: [arena.memory], implementation });
      open.push(() => pool.close());
      const source = random(1);
      const put = (count: number): number => {
        const pointer = arena.allocate(count);
        arena.f32(pointer, count).set(real(source, count));
        return pointer;
      };
      const indices = (values: readonly number[]): number => {
        const pointer = arena.allocate(values.length);
        arena.u32(pointer, values.length).set(values);
        return pointer;
      };
      const h = put(users * o);
      const generator = placeStruct(arena, Generator, { o, s, w: put(items * o * s), bias: put(items * s) });
      const rows = Array.from({ length: items }, (_, row) => row);
      const all = arena.allocate(users * items * s);
      const tasks = rows.map((item): ServerTask => {
        return { kernel: 'generateItems', memory: 0, args: [generator, users, item, 1, h, 0, all, items * s] };
      });
      const some = arena.allocate(items * s);
      const user = indices(rows.map((row) => row % users));
      const list = placeStruct(arena, List, { count: items, user, item: indices(rows), place: indices(rows) });
      pool.run([...tasks, { kernel: 'generateRows', memory: 0, args: [generator, list, h, some] }]);
      pool.run(rows.map((row): ServerTask => ({ kernel: 'relu', memory: 0, args: [s, some + 4 * row * s] })));
      return Float32Array.of(...arena.f32(all, users * items * s), ...arena.f32(some, items * s));
    };
    const alone = await outcome(1);
    expect(alone.some((value) => value > 0)).toBe(true);
    for (const threads of [2, 4]) expectSameNumbers(await outcome(threads), alone, `${threads} threads`);
  });
});

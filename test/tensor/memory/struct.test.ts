import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createArena } from '../../../src/tensor/memory/arena.js';
import { createStruct, type Fields, placeStruct, readAt, sizeOf, write } from '../../../src/tensor/memory/struct.js';
import * as Form from '../../../src/tensor/structs/form.js';
import * as Hyper from '../../../src/tensor/structs/hyper.js';
import * as Kept from '../../../src/tensor/structs/kept-steps.js';
import * as Rows from '../../../src/tensor/structs/rows.js';

const SOURCES = fileURLToPath(new URL('../../../src', import.meta.url));
/** No plain structs: hyperparameters of rules share elements, and the other file gives the number of kept steps. */
const SPECIAL = ['tensor/structs/hyper.ts', 'tensor/structs/kept-steps.ts'];
const LAYOUTS = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
  .filter((file) => /(^|\/)structs\/[^/]*\.ts$/.test(file) && !SPECIAL.includes(file))
  .map((file) => join(SOURCES, file));

describe('structs in kernel memory', () => {
  it.each(LAYOUTS)('%s has an element for each field, and no gap', async (file) => {
    const fields = (await import(file)) as Fields;
    const places = Object.values(fields).toSorted((a, b) => a - b);
    expect(places.length).toBeGreaterThan(1);
    expect(places).toEqual(places.map((_place, index) => index));
  });

  it('hyperparameters share an element only between rules, and fill a kept step', () => {
    const { scale, rate, decay, decoupled, epsilon, correction, beta1, beta2, factor, nesterov } = Hyper;
    for (const own of [[epsilon, correction, beta1, beta2], [epsilon], [factor, nesterov]]) {
      const places = [scale, rate, decay, decoupled, ...own];
      expect(new Set(places).size).toBe(places.length);
    }
    expect(sizeOf(Hyper)).toBe(Kept.numbers);
    // The kernels find step t at t & (steps − 1).
    expect(Kept.steps & (Kept.steps - 1)).toBe(0);
  });

  it('keep fields that are not written, and pointers from 2 GiB on', () => {
    const arena = createArena(1 << 20);
    const { pointer, view } = createStruct(arena, Rows);
    write(view, Rows, { size: 5, weights: 2 ** 31 + 64 });
    write(view, Rows, { size: 6, moment: 8 });
    const others = { trained: 0, slotOf: 0, variance: 0, stepsApplied: 0, steps: 0 };
    expect(readAt(arena.memory, pointer, Rows)).toEqual({ ...others, size: 6, weights: 2 ** 31 + 64, moment: 8 });
    const placed = placeStruct(arena, Form, { aRow: 1, aCol: 2, bRow: 3, cRow: 4 });
    expect(Array.from(arena.u32(placed, 5))).toEqual([1, 2, 3, 4, 0]);
    expect(readAt(arena.memory, pointer, Rows).size).toBe(6);
  });
});

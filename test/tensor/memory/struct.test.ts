import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createArena } from '../../../src/tensor/memory/arena.js';
import { createStruct, type Fields, placeStruct, readAt, sizeOf, structOf, write } from '../../../src/tensor/memory/struct.js';
import * as Generator from '../../../src/tensor/structs/generator.js';
import * as Hyper from '../../../src/tensor/structs/hyper.js';
import * as Kept from '../../../src/tensor/structs/kept-steps.js';

const SOURCES = fileURLToPath(new URL('../../../src', import.meta.url));
/** Not a plain struct: hyperparameters of rules lie over one another, and the other file says how many steps are kept. */
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

  it('hyperparameters share an element only between rules, and fill a step that is written down', () => {
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
    const { pointer, view } = createStruct(arena, Generator);
    write(view, Generator, { o: 5, w: 2 ** 31 + 64 });
    write(view, Generator, { o: 6, s: 8 });
    expect(readAt(arena.memory, pointer, Generator)).toEqual({ o: 6, s: 8, w: 2 ** 31 + 64, bias: 0 });
    const placed = placeStruct(arena, Generator, { o: 1, s: 2, w: 3, bias: 4 });
    expect(Array.from(arena.u32(placed, 4))).toEqual(Array.from(structOf(Generator, { o: 1, s: 2, w: 3, bias: 4 })));
    expect(readAt(arena.memory, pointer, Generator).o).toBe(6);
  });
});

import { readAt } from '../../../tensor/memory/struct.js';
import type { GenerationKernels } from './generation-kernels.js';
import * as Generator from './structs/generator.js';
import * as List from './structs/row-list.js';

const highest = (values: Uint32Array): number => values.reduce((most, value) => Math.max(most, value + 1), 0);
/** Elements of rows `stride` apart; 0 when there are none. */
const span = (rows: number, stride: number, columns: number): number => (rows > 0 && columns > 0 ? (rows - 1) * stride + columns : 0);

/** Reference of the kernels of the item generator: their definition (generation-kernels.ts is the specification). */
export const generationReference = (memory: WebAssembly.Memory): GenerationKernels => {
  const floats = (pointer: number, count: number) => new Float32Array(memory.buffer, pointer, count);
  const indices = (pointer: number, count: number) => new Uint32Array(memory.buffer, pointer, count);

  return {
    // The reference of generateItems needs no pairs.
    pairUnits() {},

    generateItems(generator, users, first, count, h, _pairs, out, outStride) {
      const { o, s, w, bias } = readAt(memory, generator, Generator);
      const H = floats(h, users * o),
        W = floats(w, (first + count) * o * s),
        start = floats(bias, (first + count) * s);
      const Out = floats(out, span(users, outStride, (first + count) * s));
      for (let u = 0; u < users; u++) {
        for (let i = first; i < first + count; i++) {
          for (let j = 0; j < s; j++) {
            let sum = start[i * s + j]!;
            for (let p = 0; p < o; p++) sum += H[u * o + p]! * W[(i * o + p) * s + j]!;
            Out[u * outStride + i * s + j] = sum;
          }
        }
      }
    },

    generateRows(generator, list, h, out) {
      const { o, s, w, bias } = readAt(memory, generator, Generator);
      const { count, user, item, place } = readAt(memory, list, List);
      const users = indices(user, count),
        items = indices(item, count),
        places = indices(place, count),
        Out = floats(out, highest(places) * s);
      const H = floats(h, highest(users) * o),
        W = floats(w, highest(items) * o * s),
        start = floats(bias, highest(items) * s);
      for (let r = 0; r < count; r++) {
        const u = users[r]!,
          i = items[r]!;
        for (let j = 0; j < s; j++) {
          let sum = start[i * s + j]!;
          for (let p = 0; p < o; p++) sum += H[u * o + p]! * W[(i * o + p) * s + j]!;
          Out[places[r]! * s + j] = sum;
        }
      }
    },

    backwardRows(generator, list, cohort, h, _units, g, gBias, dh) {
      const { o, s, w } = readAt(memory, generator, Generator);
      const { count, user, item, place, fresh, upstream } = readAt(memory, list, List);
      const users = indices(user, count),
        items = indices(item, count),
        slots = indices(place, count),
        D = floats(upstream, count * s);
      const H = floats(h, highest(users) * o),
        dH = floats(dh, cohort * o).fill(0),
        W = floats(w, highest(items) * o * s);
      const G = floats(g, highest(slots) * o * s),
        gB = floats(gBias, highest(slots) * s);
      for (let r = 0; r < count; r++) {
        const u = users[r]!,
          i = items[r]!,
          t = slots[r]!;
        if (t >= fresh && t !== slots[r - 1]) {
          G.fill(0, t * o * s, (t + 1) * o * s);
          gB.fill(0, t * s, (t + 1) * s);
        }
        for (let p = 0; p < o; p++) {
          if (H[u * o + p] === 0) continue;
          let sum = dH[u * o + p]!;
          for (let j = 0; j < s; j++) {
            sum += W[(i * o + p) * s + j]! * D[r * s + j]!;
            G[(t * o + p) * s + j] = G[(t * o + p) * s + j]! + H[u * o + p]! * D[r * s + j]!;
          }
          dH[u * o + p] = sum;
        }
        for (let j = 0; j < s; j++) gB[t * s + j] = gB[t * s + j]! + D[r * s + j]!;
      }
    },
  };
};

import { describe, expect, it } from 'vitest';
import { createArena, MAX_MEMORY_BYTES } from '../../../src/tensor/memory/arena.js';

describe('an arena', () => {
  it('hands out disjoint, zeroed, 64-byte aligned tensors and never the null pointer', () => {
    const arena = createArena(2 ** 20);
    const counts = [1, 0, 17, 16, 1000];
    const pointers = counts.map((count) => arena.allocate(count));
    pointers.forEach((pointer, i) => {
      expect(pointer).toBeGreaterThan(0);
      expect(pointer % 64).toBe(0);
      expect(pointer).toBeGreaterThanOrEqual(i === 0 ? 64 : pointers[i - 1]! + 4 * counts[i - 1]!);
      expect(arena.f32(pointer, counts[i]!).every((value) => value === 0)).toBe(true);
    });
    expect(arena.used).toBeGreaterThanOrEqual(pointers.at(-1)! + 4000);
  });

  it('shows the same bytes as floats and as integers', () => {
    const arena = createArena(2 ** 16),
      pointer = arena.allocate(2);
    arena.f32(pointer, 2).set([1, -0]);
    expect([...arena.u32(pointer, 2)]).toEqual([0x3f800000, 0x80000000]);
    expect([...arena.i32(pointer, 2)]).toEqual([0x3f800000, -(2 ** 31)]);
  });

  it('grows on demand, and earlier views stay valid', () => {
    const arena = createArena();
    const before = arena.memory.buffer.byteLength,
      first = arena.allocate(4),
      view = arena.f32(first, 4);
    const large = arena.allocate(2 ** 24);
    expect(arena.memory.buffer.byteLength).toBeGreaterThanOrEqual(before + 2 ** 26);
    arena.f32(large, 2 ** 24)[2 ** 24 - 1] = 7;
    view[3] = 5;
    expect(arena.f32(first, 4)[3]).toBe(5);
  });

  it('fills its capacity but not more, and says how much was left', () => {
    const arena = createArena(2 ** 20);
    arena.allocate((2 ** 20 - 128) / 4);
    expect(() => arena.allocate(1)).toThrow(
      expect.objectContaining({ code: 'CAPABILITY', message: expect.stringContaining('at most 0 more bytes') }),
    );
  });

  it('refuses more than 32-bit pointers can address', () => {
    expect(() => createArena(MAX_MEMORY_BYTES + 1)).toThrow(
      expect.objectContaining({ code: 'CAPABILITY', message: expect.stringContaining('4 GiB') }),
    );
    expect(() => createArena(0)).toThrow('capacity');
    const arena = createArena();
    expect(() => arena.allocate(2 ** 30)).toThrow(expect.objectContaining({ code: 'CAPABILITY' }));
    expect(arena.used).toBe(64);
  });

  it('refuses a count that is not a whole number', () => {
    const arena = createArena(2 ** 16);
    for (const count of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => arena.allocate(count)).toThrow(RangeError);
  });
});

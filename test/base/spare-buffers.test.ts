import { expect, it } from 'vitest';
import { createSpareBuffers } from '../../src/base/spare-buffers.js';
import { bytes } from '../../src/base/units.js';

it('gives a buffer out once, for a request of as much or half as much, and keeps no more bytes than it may', () => {
  const spares = createSpareBuffers(bytes(110), 2);
  const [first, small, large] = [new ArrayBuffer(100), new ArrayBuffer(10), new ArrayBuffer(100)];
  for (const buffer of [first, small, large]) spares.keep(buffer);
  expect(spares.take(101)).not.toBe(large);
  expect(spares.take(49)).not.toBe(large);
  expect(spares.take(50)).toBe(large);
  const fresh = spares.take(100);
  expect([first, large]).not.toContain(fresh);
  expect(fresh.byteLength).toBe(100);
  expect(spares.take(10)).toBe(small);
});

import { expect, it } from 'vitest';
import { bytes } from '../../src/base/units.js';
import { createSpareFrames } from '../../src/transport/spare-frames.js';

it('gives a frame out once, to whoever asks for as much or half as much, and keeps no more bytes than it may', () => {
  const spares = createSpareFrames(bytes(110));
  const [first, small, large] = [new ArrayBuffer(100), new ArrayBuffer(10), new ArrayBuffer(100)];
  for (const frame of [first, small, large]) spares.keep(frame);
  expect(spares.take(101)).not.toBe(large);
  expect(spares.take(49)).not.toBe(large);
  expect(spares.take(50)).toBe(large);
  const fresh = spares.take(100);
  expect([first, large]).not.toContain(fresh);
  expect(fresh.byteLength).toBe(100);
  expect(spares.take(10)).toBe(small);
});

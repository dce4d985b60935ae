import { describe, expect, it } from 'vitest';
import { chooseImplementation, probeFeatures } from '../../../src/tensor/kernels/probe.js';

describe('the feature probe', () => {
  it('finds SIMD and threads on the machines that test this project', () => {
    expect(probeFeatures()).toEqual({ simd: true, threads: true });
  });

  it('chooses SIMD if the machine has it, else the reference', () => {
    expect(chooseImplementation(undefined, { simd: true, threads: true })).toBe('simd');
    expect(chooseImplementation(undefined, { simd: false, threads: true })).toBe('reference');
    expect(chooseImplementation(undefined, { simd: true, threads: false })).toBe('reference');
  });

  it('obeys a forced choice', () => {
    expect(chooseImplementation('reference', { simd: true, threads: true })).toBe('reference');
    expect(chooseImplementation('simd', { simd: true, threads: true })).toBe('simd');
  });

  it('refuses to force SIMD where it is missing, and says what is missing', () => {
    expect(() => chooseImplementation('simd', { simd: false, threads: true })).toThrow(
      expect.objectContaining({ code: 'CAPABILITY', message: expect.stringMatching(/SIMD and threads, found no SIMD$/) }),
    );
  });
});

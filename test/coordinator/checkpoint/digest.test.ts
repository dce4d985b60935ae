import { describe, expect, it } from 'vitest';
import { elementsOf } from '../../../src/tensor/memory/parameter.js';
import { digestOf, parametersOf } from '../../support/coordinator/checkpoint-files.js';

describe('the digest', () => {
  it('is another for any bit of any weight, and the same for any moment', () => {
    const parameters = parametersOf(1);
    const before = digestOf(parameters);
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    const seen = new Set([before]);
    let changes = 0;
    for (const parameter of parameters) {
      if (parameter.moment === 0) continue;
      const words = parameter.arena.u32(parameter.weights, elementsOf(parameter));
      words.forEach((word, i) => {
        for (const bit of [0, 13, 31]) {
          words[i] = word ^ (1 << bit);
          seen.add(digestOf(parameters));
          changes += 1;
        }
        words[i] = word;
      });
      parameter.arena.u32(parameter.moment, 1)[0]! ^= 1;
    }
    expect(seen.size).toBe(changes + 1);
    expect(digestOf(parameters)).toBe(before);
  });

  it('is another for other names or another order', () => {
    const [first, second, ...rest] = parametersOf(1);
    const digests = [
      [first!, second!, ...rest],
      [second!, first!, ...rest],
      [{ ...first!, name: 'V' }, second!, ...rest],
      [first!, second!],
    ].map(digestOf);
    expect(new Set(digests).size).toBe(4);
  });
});

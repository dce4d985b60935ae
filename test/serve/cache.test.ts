import { describe, expect, it } from 'vitest';
import { createCache } from '../../src/serve/cache.js';

describe('createCache', () => {
  it('drops what was not used for the longest time, and never holds more than its room', () => {
    const cache = createCache<string>(10);
    cache.put(1, 'a', 4);
    cache.put(2, 'b', 4);
    expect(cache.get(1)).toBe('a');
    cache.put(3, 'c', 4);
    expect([cache.get(1), cache.get(2), cache.get(3), cache.bytes()]).toEqual(['a', undefined, 'c', 8]);
    cache.put(4, 'd', 10);
    expect([cache.get(1), cache.get(3), cache.get(4), cache.bytes()]).toEqual([undefined, undefined, 'd', 10]);
  });

  it('counts a value that replaces another once, and does not keep one that is too large', () => {
    const cache = createCache<string>(10);
    cache.put(1, 'a', 6);
    cache.put(1, 'A', 7);
    expect([cache.get(1), cache.bytes()]).toEqual(['A', 7]);
    cache.put(2, 'b', 11);
    expect([cache.get(2), cache.get(1)]).toEqual([undefined, 'A']);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LocalModel } from '../../../src/algorithms/port/client.js';
import { bytes, deviceId } from '../../../src/base/units.js';
import { createModelStore } from '../../../src/device/actor/model-store.js';

/** A model of `size` bytes. */
const model = (size: number): LocalModel => ({ rows: null, tensors: [new Float32Array(size / 4)] });
const id = deviceId;

describe('the store of generated models', () => {
  it('gives back the model a device was sent last', () => {
    const store = createModelStore(bytes(100));
    const [first, second] = [model(40), model(40)];
    store.put(id(1), first);
    expect(store.get(id(1))).toBe(first);
    store.put(id(1), second);
    expect(store.get(id(1))).toBe(second);
    expect(store.get(id(2))).toBeUndefined();
    expect(store.usage()).toEqual({ models: 1, bytes: 40, evicted: 0 });
  });

  it('counts rows and every tensor', () => {
    const store = createModelStore(bytes(100));
    store.put(id(1), { rows: Uint32Array.of(1, 2), tensors: [new Float32Array(4), new Float32Array(1)] });
    expect(store.usage().bytes).toBe(8 + 16 + 4);
  });

  it('evicts the models that were delivered longest ago, and no more of them than it must', () => {
    const store = createModelStore(bytes(100));
    for (const device of [1, 2, 3]) store.put(id(device), model(32));
    store.put(id(1), model(32)); // delivered again: 2 is the oldest now
    store.get(id(2)); // looking is not delivering
    store.put(id(4), model(32));
    expect([1, 2, 3, 4].map((device) => store.get(id(device)) !== undefined)).toEqual([true, false, true, true]);
    expect(store.usage()).toEqual({ models: 3, bytes: 96, evicted: 1 });
    store.put(id(5), model(100));
    expect(store.usage()).toEqual({ models: 1, bytes: 100, evicted: 4 });
  });

  it('makes room for a model where one of its size was given up, and never where one is held', () => {
    const store = createModelStore(bytes(96));
    const deliver = (device: number, size: number): ArrayBuffer => {
      const values = store.room(size / 4);
      expect(values.byteLength).toBe(size);
      store.put(id(device), { rows: null, tensors: [values.subarray(0, 1), values.subarray(1)] });
      return values.buffer;
    };
    const buffers = [1, 2, 3].map((device) => deliver(device, 32));
    expect(new Set(buffers).size).toBe(3);
    const fresh = deliver(4, 32);
    expect(buffers).not.toContain(fresh);
    const other = deliver(5, 16);
    expect(buffers).not.toContain(other);
    expect(buffers.slice(0, 2)).toContain(deliver(6, 32));
    const held = [1, 2, 3, 4, 5, 6].flatMap((device) => store.get(id(device))?.tensors[0]?.buffer ?? []);
    expect(new Set(held).size).toBe(held.length);
  });

  it('makes room where one a little larger was given up, and none where memory for it would be far too large', () => {
    const store = createModelStore(bytes(10_000));
    const first = store.room(1000);
    store.put(id(1), { rows: null, tensors: [first] });
    store.put(id(1), { rows: null, tensors: [store.room(1000)] });
    expect(store.room(500).buffer).not.toBe(first.buffer);
    const another = store.room(999);
    expect(another.buffer).toBe(first.buffer);
    expect(another.length).toBe(999);
    expect(another.buffer.byteLength).toBeLessThanOrEqual(1.125 * 4 * 999);
  });

  it('keeps a model of exactly the budget', () => {
    const store = createModelStore(bytes(32));
    store.put(id(1), model(32));
    expect(store.usage()).toEqual({ models: 1, bytes: 32, evicted: 0 });
  });

  it('does not keep a model larger than the whole budget, nor drop the others for it', () => {
    const store = createModelStore(bytes(100));
    store.put(id(1), model(40));
    store.put(id(2), model(40));
    store.put(id(2), model(104));
    expect(store.get(id(1))).toBeDefined();
    expect(store.get(id(2)), 'an outdated model').toBeUndefined();
    expect(store.usage()).toEqual({ models: 1, bytes: 40, evicted: 1 });
  });

  it('never outgrows its budget, and counts its models, for any deliveries', () => {
    const put = fc.record({ device: fc.nat(6), size: fc.nat(30).map((size) => 4 * size) });
    fc.assert(
      fc.property(fc.array(put, { maxLength: 60 }), fc.nat(200), (puts, budget) => {
        const store = createModelStore(bytes(budget));
        const sizes = new Map<number, number>();
        let last = 0;
        for (const { device, size } of puts) {
          store.put(id(device), model(size));
          sizes.set(device, size);
          const held = [...sizes].filter(([each]) => store.get(id(each)) !== undefined);
          const usage = store.usage();
          expect(usage.bytes).toBe(held.reduce((sum, [, each]) => sum + each, 0));
          expect(usage.bytes).toBeLessThanOrEqual(budget);
          expect(usage.models).toBe(held.length);
          expect(usage.evicted).toBeGreaterThanOrEqual(last);
          if (size <= budget) expect(store.get(id(device))).toBeDefined();
          last = usage.evicted;
        }
      }),
    );
  });
});

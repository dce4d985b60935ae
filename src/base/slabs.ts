/** Bytes of a slab. */
const SLAB = 1 << 16;

/**
 * Memory for small arrays, cut from slabs. A separate array lies outside of V8's heap: it costs a call of malloc, and later one of free.
 * A slab is collected once none of its arrays is held.
 */
export const createSlabs = (): ((count: number) => Float32Array<ArrayBuffer>) => {
  let slab = new ArrayBuffer(0);
  let at = 0;
  return (count) => {
    const size = 4 * count;
    if (size > SLAB / 4) return new Float32Array(count);
    if (at + size > slab.byteLength) {
      slab = new ArrayBuffer(SLAB);
      at = 0;
    }
    at += size;
    return new Float32Array(slab, at - size, count);
  };
};

type Floats = Float32Array<SharedArrayBuffer>;

/** Four accesses in flight at a time: V8 does not vectorize. */
const copyByLoop = (from: Floats, to: Floats): void => {
  const a = new Float64Array(from.buffer, from.byteOffset, from.length / 2);
  const b = new Float64Array(to.buffer, to.byteOffset, to.length / 2);
  for (let i = 0; i < a.length; i += 4) {
    b[i] = a[i]!;
    b[i + 1] = a[i + 1]!;
    b[i + 2] = a[i + 2]!;
    b[i + 3] = a[i + 3]!;
  }
};

export const COPIES = {
  set: (from: Floats, to: Floats): void => to.set(from),
  buffer: (from: Floats, to: Floats): void =>
    void Buffer.from(from.buffer, from.byteOffset, from.byteLength).copy(Buffer.from(to.buffer, to.byteOffset, to.byteLength)),
  loop: copyByLoop,
} as const satisfies Record<string, (from: Floats, to: Floats) => void>;

export type CopyMethod = keyof typeof COPIES;
export const COPY_METHODS = Object.keys(COPIES) as CopyMethod[];

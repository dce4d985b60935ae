import type { Bytes } from './units.js';

/** Memory that was given up, for what comes next: large buffers that only a collection frees cost many of them. */
export type SpareBuffers = {
  /** One of at least `size` bytes, of any content, or a new one. */
  readonly take: (size: number) => ArrayBuffer;
  readonly keep: (buffer: ArrayBuffer) => void;
};

/** Keeps the buffers that came last, `most` bytes of them; none is given out for less than 1 / `slack` of its size. */
export const createSpareBuffers = (most: Bytes, slack: number): SpareBuffers => {
  const spares: ArrayBuffer[] = [];
  let held = 0;
  return {
    take: (size) => {
      const fitting = spares.findIndex(({ byteLength }) => byteLength >= size && byteLength <= slack * size);
      if (fitting < 0) return new ArrayBuffer(size);
      const buffer = spares.splice(fitting, 1)[0]!;
      held -= buffer.byteLength;
      return buffer;
    },
    keep: (buffer) => {
      spares.push(buffer);
      held += buffer.byteLength;
      while (held > most) held -= spares.shift()!.byteLength;
    },
  };
};

import type { Bytes } from '../base/units.js';

/** Frames that hosts gave back (envelope.ts), to be written again. */
export type SpareFrames = {
  /** One of at least `size` bytes and at most twice that, or a new one. */
  readonly take: (size: number) => ArrayBuffer;
  readonly keep: (frame: ArrayBuffer) => void;
};

/** Keeps the frames that came last, `most` bytes of them. */
export const createSpareFrames = (most: Bytes): SpareFrames => {
  const spares: ArrayBuffer[] = [];
  let held = 0;
  return {
    take: (size) => {
      const fitting = spares.findIndex(({ byteLength }) => byteLength >= size && byteLength <= 2 * size);
      if (fitting < 0) return new ArrayBuffer(size);
      const frame = spares.splice(fitting, 1)[0]!;
      held -= frame.byteLength;
      return frame;
    },
    keep: (frame) => {
      spares.push(frame);
      held += frame.byteLength;
      while (held > most) held -= spares.shift()!.byteLength;
    },
  };
};

/** Frames that hosts gave back (envelope.ts), to be written again. */
export type SpareFrames = {
  /** One of at least `size` bytes and at most twice that, or a new one. */
  readonly take: (size: number) => ArrayBuffer;
  readonly keep: (frame: ArrayBuffer) => void;
};

/** Keeps the `most` frames that came last. */
export const createSpareFrames = (most: number): SpareFrames => {
  const spares: ArrayBuffer[] = [];
  return {
    take: (size) => {
      const fitting = spares.findIndex(({ byteLength }) => byteLength >= size && byteLength <= 2 * size);
      return fitting < 0 ? new ArrayBuffer(size) : spares.splice(fitting, 1)[0]!;
    },
    keep: (frame) => {
      spares.push(frame);
      if (spares.length > most) spares.shift();
    },
  };
};

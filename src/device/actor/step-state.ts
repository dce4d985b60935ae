import type { PrivateStateSpec } from '../../algorithms/port/client.js';

/** What update steps have a device keep, behind what the algorithm has it keep. */
type Keeping = { readonly stateSize: (records: number) => number };

const sizeOf = (steps: readonly Keeping[], records: number): number => steps.reduce((sum, step) => sum + step.stateSize(records), 0);

/** Numbers that a device with so many training records keeps: for the algorithm and for all steps. undefined: none. */
export const keptSize = (spec: PrivateStateSpec | undefined, steps: readonly Keeping[]): PrivateStateSpec['size'] | undefined => {
  if (steps.every(({ stateSize }) => sizeOf([{ stateSize }], 1) === 0)) return spec?.size;
  const own = spec?.size ?? 0;
  return (records) => (typeof own === 'number' ? own : own(records)) + sizeOf(steps, records);
};

/** The first state: the algorithm's own, and zeros for steps. */
export const stateSpecOf = (
  spec: PrivateStateSpec | undefined,
  steps: readonly Keeping[],
  records: number,
): PrivateStateSpec | undefined => {
  const added = sizeOf(steps, records);
  if (added === 0) return spec;
  return {
    size: keptSize(spec, steps)!,
    initial: (source, size) => {
      const state = new Float32Array(size);
      if (spec !== undefined) state.set(spec.initial(source, size - added));
      return state;
    },
  };
};

export const ownPart = (state: Float32Array, steps: readonly Keeping[], records: number): Float32Array =>
  state.subarray(0, state.length - sizeOf(steps, records));

/** By step, in their order. */
export const stepParts = (state: Float32Array, steps: readonly Keeping[], records: number): readonly Float32Array[] => {
  let end = state.length - sizeOf(steps, records);
  return steps.map((step) => {
    const start = end;
    end += step.stateSize(records);
    return state.subarray(start, end);
  });
};

export const joinedState = (own: Float32Array, parts: readonly Float32Array[]): Float32Array => {
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, own.length));
  joined.set(own);
  let end = own.length;
  for (const part of parts) {
    joined.set(part, end);
    end += part.length;
  }
  return joined;
};

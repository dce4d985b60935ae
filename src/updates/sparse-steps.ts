import { z } from 'zod';
import { distinct, type Random } from '../base/random.js';
import { createResidual } from './residual.js';
import { largest } from './select.js';
import type { UpdateStepDefinition } from './update-step.js';

const options = z.strictObject({
  share: z.number().gt(0).max(1).default(0.1).describe("share of an update's numbers that travel; the others wait on the device"),
});
type Options = z.infer<typeof options>;

/** Chooses places among the numbers of all tensors, which are numbered as if they lay behind each other. */
type Choice = (tensors: readonly Float32Array[], count: number, numbers: number, source: Random) => Uint32Array;

/** What was chosen, and zeros; what was not, and zeros. */
const split = (tensors: readonly Float32Array[], places: Uint32Array): { readonly sent: Float32Array[]; readonly left: Float32Array[] } => {
  const sent = tensors.map(({ length }) => new Float32Array(length));
  const left = tensors.map((values) => values.slice());
  let [tensor, start] = [0, 0];
  for (const place of places) {
    if (place < start) [tensor, start] = [0, 0];
    while (place - start >= tensors[tensor]!.length) start += tensors[tensor++]!.length;
    const at = place - start;
    sent[tensor]![at] = tensors[tensor]![at]!;
    left[tensor]![at] = 0;
  }
  return { sent, left };
};

/**
 * Some numbers of each update, with the memory of what was not sent (Stich et al., "Sparsified SGD with memory", NeurIPS 2018, algorithm 1):
 *
 *   sent = choice(x + m),   m ← x + m − sent
 */
const sparseStep = (name: string, choose: Choice): UpdateStepDefinition<Options> => ({
  name,
  version: '1',
  options,
  traits: { hides: [] },
  encoding: () => ({ sparse: true, dtype: null }),
  state: (_, wire) => createResidual(wire).size,
  onDevice: ({ share }, wire) => {
    const residual = createResidual(wire);
    return (update, { state, source }) => {
      const tensors = residual.added(update, state);
      const numbers = tensors.reduce((sum, { length }) => sum + length, 0);
      const { sent, left } = split(tensors, choose(tensors, Math.min(numbers, Math.max(1, Math.round(share * numbers))), numbers, source));
      residual.keep(update, left, state);
      return sent;
    };
  },
});

/** The numbers of the largest size. */
export const topK = sparseStep('top-k', (tensors, count) => largest(tensors, count));

/** Numbers drawn anew each round, each set of them with the same chance. */
export const randomK = sparseStep('random-k', (_, count, numbers, source) => distinct(count, numbers, source));

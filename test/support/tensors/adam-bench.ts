import { type Random, random } from '../../../src/base/random.js';
import { createArena } from '../../../src/tensor/memory/arena.js';
import {
  claimSlot,
  createParameter,
  elementsOf,
  type MomentKind,
  type Parameter,
  reserveSlots,
} from '../../../src/tensor/memory/parameter.js';
import type { AdamRule } from '../../../src/tensor/optimizers/adam.js';
import type { Regularization } from '../../../src/tensor/optimizers/step.js';
import { real } from './kernel-workbench.js';

export type AdamOptions = AdamRule & Regularization;

/** A trainable tensor, as pieces in their own memories. */
export type Shape = { readonly name: string; readonly size: number; readonly sparse: boolean; readonly blocks: readonly number[] };

export const SMALL: readonly Shape[] = [
  { name: 'dense', size: 37, sparse: false, blocks: [1] },
  { name: 'scalar', size: 1, sparse: false, blocks: [1] },
  { name: 'rows', size: 5, sparse: true, blocks: [7, 4] },
];
/** Larger than the part that one kernel call steps. */
export const LARGE: readonly Shape[] = [
  { name: 'dense', size: (1 << 18) + 9, sparse: false, blocks: [1] },
  { name: 'rows', size: 100, sparse: true, blocks: [3000, 10] },
];
const DECAYS: Readonly<Record<string, number>> = { dense: 0, scalar: 0.3, rows: 0.1 };
export const RATE = 0.01;

export const layOut = (shapes: readonly Shape[], moment: MomentKind | 'rows only') => {
  const arenas = [createArena(), createArena()];
  const parameters = shapes.flatMap(({ name, size, sparse, blocks }) =>
    blocks.map((count, memory) => {
      const kind = moment === 'rows only' ? (name === 'rows' ? 'tensor' : 'element') : moment;
      const parameter = createParameter(name, { memory, arena: arenas[memory]! }, { blocks: count, size, sparse }, kind);
      parameter.arena.f32(parameter.weights, elementsOf(parameter)).set(real(random(1, name, memory), elementsOf(parameter)));
      return parameter;
    }),
  );
  return { parameters, memories: arenas.map(({ memory }) => memory) };
};

export const viewsOf = (parameter: Parameter): Float32Array[] =>
  [parameter.weights, parameter.moment, parameter.variance]
    .filter((pointer) => pointer !== 0)
    .map((pointer) => parameter.arena.f32(pointer, elementsOf(parameter)));

/** Writes the accumulated gradient of a round, for a third of the blocks of a sparse tensor. Returns it as a dense one. */
export const accumulate = (parameter: Parameter, source: Random): Float32Array => {
  const { arena, blocks, size, gradient } = parameter;
  const dense = real(source, elementsOf(parameter));
  if (gradient.slotOf === 0) {
    arena.f32(gradient.slots, dense.length).set(dense);
    return dense;
  }
  const slotOf = arena.i32(gradient.slotOf, blocks);
  // Descending, so that a slot's number is not its block's.
  const touched = Array.from({ length: blocks }, (_, i) => blocks - 1 - i).filter(() => source.uniform() < 0.34);
  for (const block of touched) claimSlot(parameter, slotOf, block);
  reserveSlots(parameter);
  const kept = new Float32Array(dense.length);
  for (const block of touched) {
    const values = dense.subarray(block * size, (block + 1) * size);
    kept.set(values, block * size);
    arena.f32(gradient.slots + 4 * slotOf[block]! * size, size).set(values);
  }
  return kept;
};

export const OPTIONS: AdamOptions = {
  kind: 'adam',
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  decoupled: false,
  clip: 0,
  decay: (name) => DECAYS[name]!,
  lazy: () => false,
  popularity: 0,
};
/** A copy of the bits of all weights and moments. */
export const bitsOfAll = (parameters: readonly Parameter[]): Float32Array[] =>
  parameters.flatMap((parameter) => viewsOf(parameter).map((view) => view.slice()));

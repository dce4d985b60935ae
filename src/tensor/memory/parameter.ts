import type { KernelPool, KernelTask } from '../kernels/kernels.js';
import * as Hyper from '../structs/hyper.js';
import * as Kept from '../structs/kept-steps.js';
import * as Rows from '../structs/rows.js';
import type { Arena } from './arena.js';
import { placeStruct, sizeOf } from './struct.js';

/**
 * One piece of a trainable tensor, with its optimizer state and gradient, in one kernel memory.
 * A dense tensor is one block. A sparse one is `blocks` equal blocks (rows of U, items of W_low), of which a round touches few.
 * The gradient of a sparse tensor has one slot per touched block. Large tensors are several pieces of one name, each in its own memory.
 */
export type Parameter = {
  readonly name: string;
  readonly memory: number;
  readonly arena: Arena;
  readonly blocks: number;
  /** Elements of one block. */
  readonly size: number;
  /** The first ones, which are trained. The others pad a row for the kernels, and stay zero. */
  readonly trained: number;
  readonly weights: number;
  readonly kind: MomentKind;
  // A tensor without one of the following has the null pointer there.
  /** First moment or velocity, per element. */
  readonly moment: number;
  /** Second moment or sum of squares, per element or per block. */
  readonly variance: number;
  /** If rows decay by popularity: how many rounds touched each block, and room for as many factors. */
  readonly counts: number;
  readonly factors: number;
  /** If untouched rows may be stepped later (deferral.ts): one i32 per block, the deferred steps that it has applied. */
  readonly stepsApplied: number;
  /** The hyperparameters of the last deferred steps (structs/kept-steps.ts). */
  readonly steps: number;
  /** If a sparse tensor has one second moment: its last Σ gradient·weight (f64). */
  readonly dots: number;
  /** Whether its readers and writers catch its rows up before (deferral.ts). */
  readonly deferring: boolean;
  /** If sparse: the struct that kernels take (structs/rows.ts). It stays the same for the life of the tensor. */
  readonly rows: number;
  /** The hyperparameters of the present step. The next step overwrites them, when the tasks of this one are done. */
  readonly hyper: { readonly pointer: number; readonly view: Float64Array };
  readonly gradient: Gradient;
};

export type Gradient = {
  /** Pointer to `capacity` slots of `size` elements. With `zeroed` all are zero between rounds. Else the first write to a claimed slot zeroes it. */
  slots: number;
  readonly zeroed: boolean;
  capacity: number;
  /** Slots in use this round. */
  used: number;
  /** The blocks of a sparse tensor that have a slot, by slot. */
  readonly touched: number[];
  /** Pointer to one i32 per block: its slot, or −1. The null pointer for a dense tensor, whose only slot is 0. */
  readonly slotOf: number;
};

export const elementsOf = (parameter: Parameter): number => parameter.blocks * parameter.size;

/**
 * What an optimizer keeps for a tensor.
 *
 *   element    first and second moment per element (Adam)
 *   row        first moment per element, second per block
 *   tensor     first moment per element; the second is one number, in the optimizer's state
 *   squares    sum of squared gradients per element (Adagrad)
 *   velocity   first moment per element (momentum)
 *   none       nothing, and no gradient either
 */
export type MomentKind = 'element' | 'row' | 'tensor' | 'squares' | 'velocity' | 'none';

/** A run of float32 in the parameter's memory. */
export type StateStretch = { readonly name: 'moment' | 'variance' | 'counts'; readonly pointer: number; readonly count: number };

/** The optimizer state that is stored with a parameter and that training needs to go on, in the order of a checkpoint. */
export const stateOf = (parameter: Parameter): StateStretch[] => {
  const { kind, moment, variance, counts, blocks } = parameter;
  const elements = elementsOf(parameter);
  const stretches: StateStretch[] = [
    { name: 'moment', pointer: moment, count: elements },
    { name: 'variance', pointer: variance, count: kind === 'row' ? blocks : elements },
    { name: 'counts', pointer: counts, count: blocks },
  ];
  return stretches.filter(({ pointer }) => pointer !== 0);
};

const HAS_MOMENT: readonly MomentKind[] = ['element', 'row', 'tensor', 'velocity'];
const HAS_VARIANCE: readonly MomentKind[] = ['element', 'row', 'squares'];

/** A float64, in elements of an arena. */
const DOUBLE = 2;

/** Allocates a parameter, its state and its gradient. All numbers start at zero. */
export const createParameter = (
  name: string,
  place: { readonly memory: number; readonly arena: Arena },
  shape: {
    readonly blocks: number;
    readonly size: number;
    readonly sparse: boolean;
    readonly trained?: number;
    readonly counted?: boolean;
    readonly deferring?: boolean;
    /** Default: true. */
    readonly zeroed?: boolean;
  },
  kind: MomentKind,
): Parameter => {
  const { arena, memory } = place;
  const count = shape.blocks * shape.size;
  const weights = arena.allocate(count);
  const moment = HAS_MOMENT.includes(kind) ? arena.allocate(count) : 0;
  const variance = HAS_VARIANCE.includes(kind) ? arena.allocate(kind === 'row' ? shape.blocks : count) : 0;
  const counted = shape.counted === true && shape.sparse;
  const slotOf = shape.sparse ? arena.allocate(shape.blocks) : 0;
  // No row waits if rows decay by popularity, which is its own pass, or if the next step needs the sum of this one's squares.
  const defers = shape.deferring === true && shape.sparse && !counted && kind !== 'tensor';
  if (shape.sparse) arena.i32(slotOf, shape.blocks).fill(-1);
  const capacity = shape.sparse || kind === 'none' ? 0 : shape.blocks;
  const gradient: Gradient = {
    slots: capacity === 0 ? 0 : arena.allocate(count),
    zeroed: shape.zeroed !== false,
    capacity,
    used: capacity,
    touched: [],
    slotOf,
  };
  const { size, trained = size } = shape;
  const stepsApplied = defers ? arena.allocate(shape.blocks) : 0;
  const steps = defers ? arena.allocate(DOUBLE * Kept.steps * Kept.numbers) : 0;
  const hyper = arena.allocate(DOUBLE * sizeOf(Hyper));
  return {
    name,
    memory,
    arena,
    blocks: shape.blocks,
    size,
    trained,
    weights,
    kind,
    moment,
    variance,
    counts: counted ? arena.allocate(shape.blocks) : 0,
    factors: counted ? arena.allocate(shape.blocks) : 0,
    stepsApplied,
    steps,
    dots: kind === 'tensor' && shape.sparse ? arena.allocate(2) : 0,
    deferring: shape.deferring === true,
    rows: shape.sparse ? placeStruct(arena, Rows, { size, trained, slotOf, weights, moment, variance, stepsApplied, steps }) : 0,
    hyper: { pointer: hyper, view: arena.f64(hyper, sizeOf(Hyper)) },
    gradient,
  };
};

/** The gradient slot of a block of a sparse parameter, claimed at its first touch in the round. */
export const claimSlot = ({ gradient, blocks }: Parameter, slotOf: Int32Array, block: number): number => {
  const known = slotOf[block]!;
  if (known >= 0) return known;
  if (gradient.used === blocks) throw new Error(`all ${blocks} slots claimed, and block ${block} has none`);
  const slot = gradient.used++;
  slotOf[block] = slot;
  gradient.touched.push(block);
  return slot;
};

/** Makes room for the claimed slots. Those in use keep their numbers. */
export const reserveSlots = ({ gradient, arena, blocks, size }: Parameter): void => {
  if (gradient.used <= gradient.capacity) return;
  const held = arena.f32(gradient.slots, gradient.capacity * size);
  gradient.capacity = Math.min(blocks, 2 * gradient.used);
  gradient.slots = arena.allocate(gradient.capacity * size);
  arena.f32(gradient.slots, held.length).set(held);
};

/** Zeroes gradients that are zero between rounds, and forgets the slots. */
export const clearGradients = (pool: KernelPool, parameters: readonly Parameter[]): void => {
  const zeroed = parameters.filter(({ gradient }) => gradient.zeroed);
  pool.run(
    zeroed.map(({ memory, gradient, size }): KernelTask => ({ kernel: 'zero', memory, args: [gradient.used * size, gradient.slots] })),
  );
  for (const { gradient, arena, blocks } of parameters) {
    if (gradient.slotOf === 0) continue;
    const slotOf = arena.i32(gradient.slotOf, blocks);
    for (const block of gradient.touched) slotOf[block] = -1;
    gradient.touched.length = 0;
    gradient.used = 0;
  }
};

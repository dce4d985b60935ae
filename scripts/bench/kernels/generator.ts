import {
  type ServerKernels,
  type ServerPool,
  type ServerTask,
  serverReference,
} from '../../../src/algorithms/metamf/kernels/server-kernels.js';
import * as GeneratorFields from '../../../src/algorithms/metamf/kernels/structs/generator.js';
import * as List from '../../../src/algorithms/metamf/kernels/structs/row-list.js';
import { unitRoom } from '../../../src/algorithms/metamf/kernels/unit-room.js';
import { placeForm } from '../../../src/tensor/kernels/gemm-tasks.js';
import { createKernelPool } from '../../../src/tensor/kernels/kernel-pool.js';
import { createArena } from '../../../src/tensor/memory/arena.js';
import { placeStruct, sizeOf, write } from '../../../src/tensor/memory/struct.js';
import * as Hyper from '../../../src/tensor/structs/hyper.js';

/** The item generator of MetaMF, alone in one memory: the work of which a round's floor is made. Shapes as in the paper on ML-1M. */
export const PAPER = { users: 64, items: 3706, hidden: 512, rank: 8 } as const;
export type GeneratorShape = { readonly users: number; readonly items: number; readonly hidden: number; readonly rank: number };

export const flopOf = ({ users, items, hidden, rank }: GeneratorShape): number => 2 * users * hidden * items * rank;

/** Traffic of Adam's pass: w, m, v read and written, g read where there is one. */
export const ADAM_BYTES = { withGradient: 28, without: 24 } as const;
export const STREAM_BYTES = 12;

/** Adam's hyperparameters; L2 in the gradient as MetaMF has it. */
const ADAM = { scale: 1 / 64, rate: 1e-3, correction: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 1e-3, decoupled: 0 };
const TASK_ITEMS = 64;
const TASK_ELEMENTS = 1 << 18;

export type Generator = {
  readonly parameters: number;
  readonly generate: readonly ServerTask[];
  /** The same product as a plain matrix product (users × hidden)·(hidden × items·rank). */
  readonly gemm: readonly ServerTask[];
  readonly adam: readonly ServerTask[];
  readonly adamWithoutGradient: readonly ServerTask[];
  /** y += 0·x over the parameters: two streams read, one written, and next to no arithmetic. */
  readonly stream: readonly ServerTask[];
  /** Single rows, as in subset delivery, and their backward pass: ROWS of them, by item, each of another user than the one before. */
  readonly rows: readonly ServerTask[];
  readonly backward: readonly ServerTask[];
  readonly memory: WebAssembly.Memory;
};

const ROWS = 2048;
/** So many items have their weights and gradients, 32 kB each, in the second-level cache: of larger ones neighbours leave now more, now less. */
const ROW_ITEMS = 24;

const ranges = (total: number, step: number) =>
  Array.from({ length: Math.ceil(total / step) }, (_, i) => ({ first: i * step, count: Math.min(step, total - i * step) }));

/** Normal sizes and no denormals: Θ in training has none either. */
const fill = (values: Float32Array, size: number): void => {
  const period = 4099;
  for (let i = 0; i < values.length; i++) values[i] = size * (((i * 2654435761) % period) / period - 0.4);
};

export const createGenerator = (shape: GeneratorShape): Generator => {
  const { users, items, hidden, rank } = shape;
  const arena = createArena();
  const parameters = items * rank * hidden;
  const place = (count: number, size: number): number => {
    const pointer = arena.allocate(count);
    fill(arena.f32(pointer, count), size);
    return pointer;
  };
  const [w, m, v, g] = [place(parameters, 0.1), place(parameters, 1e-3), arena.allocate(parameters), place(parameters, 0.1)];
  arena.f32(v, parameters).fill(1e-4);
  const [h, bias, out] = [place(users * hidden, 1), place(items * rank, 0.1), place(users * items * rank, 0)];
  // Behind a ReLU.
  arena.f32(h, users * hidden).forEach((value, at, values) => {
    values[at] = Math.max(0, value);
  });
  const width = items * rank;
  const indices = (at: (row: number) => number): number => {
    const pointer = arena.allocate(ROWS);
    arena.u32(pointer, ROWS).set(Uint32Array.from({ length: ROWS }, (_, row) => at(row)));
    return pointer;
  };
  // By item, as rounds have them, several users each.
  const item = indices((row) => Math.floor((row * Math.min(items, ROW_ITEMS)) / ROWS));
  const [user, output] = [indices((row) => (row * 37) % users), indices((row) => (row * 37) % ROWS)];
  const [some, upstream, gBias, dh] = [place(ROWS * rank, 0), place(ROWS * rank, 0.1), place(items * rank, 0), place(users * hidden, 0)];
  const units = arena.allocate(unitRoom(users, hidden));
  const hyper = arena.allocate(2 * sizeOf(Hyper));
  write(arena.f64(hyper, sizeOf(Hyper)), Hyper, ADAM);
  const generator = placeStruct(arena, GeneratorFields, { o: hidden, s: rank, w, bias });
  const asked = placeStruct(arena, List, { count: ROWS, user, item, place: output });
  const back = placeStruct(arena, List, { count: ROWS, user, item, place: item, upstream, fresh: items });
  const form = placeForm(arena, [hidden, 1], width, width);
  const adam = (gradient: boolean) =>
    ranges(parameters, TASK_ELEMENTS).map(({ first, count }): ServerTask => {
      const at = 4 * first;
      return { kernel: 'adam', memory: 0, args: [count, w + at, m + at, v + at, gradient ? g + at : 0, hyper] };
    });
  return {
    parameters,
    memory: arena.memory,
    rows: [{ kernel: 'generateRows', memory: 0, args: [generator, asked, h, some] }],
    backward: [{ kernel: 'backwardRows', memory: 0, args: [generator, back, users, h, units, g, gBias, dh] }],
    generate: ranges(items, TASK_ITEMS).map(({ first, count }): ServerTask => {
      return { kernel: 'generateItems', memory: 0, args: [generator, users, first, count, h, 0, out, width] };
    }),
    gemm: ranges(width, TASK_ITEMS * rank).map(({ first, count }): ServerTask => {
      const at = 4 * first;
      return { kernel: 'gemm', memory: 0, args: [users, count, hidden, h, w + at, out + at, bias + at, form] };
    }),
    adam: adam(true),
    adamWithoutGradient: adam(false),
    stream: ranges(parameters, TASK_ELEMENTS).map(({ first, count }): ServerTask => {
      return { kernel: 'axpy', memory: 0, args: [count, 0, m + 4 * first, w + 4 * first] };
    }),
  };
};

export const poolFor = ({ memory }: Pick<Generator, 'memory'>, threads: number, implementation?: ServerPool['implementation']) =>
  createKernelPool({ reference: serverReference, threads, memories: [memory], ...(implementation && { implementation }) });

/** Runs tasks on kernels outside a pool. */
export const runOn = (kernels: ServerKernels, tasks: readonly ServerTask[]): void => {
  for (const { kernel, args } of tasks) (kernels[kernel] as (...args: readonly number[]) => unknown)(...args);
};

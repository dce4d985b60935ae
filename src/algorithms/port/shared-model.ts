import { elements } from '../../messages/wire-tensor.js';
import { chooseImplementation } from '../../tensor/kernels/probe.js';
import type { Rows } from './client.js';
import type { Wire, World } from './definition.js';
import type { GeneratedModel, ServerHalf, StepResult, Tensors, UpdateSum } from './server.js';

/** The most numbers in a chunk of models. Devices work on some of a cohort's models while the others are written. */
const CHUNK_ELEMENTS = 1 << 20;

export type SharedModel = {
  readonly wire: Wire;
  readonly world: World;
  /** Holds at least the tensors of wire.down, by their names. */
  readonly tensors: Tensors;
  /** Changes the tensors by a round's sum. `learningRate`: that of the run's schedule, 1 without one. `round`: counted from 1. */
  step(sum: UpdateSum, learningRate: number, round: number): StepResult;
  /** Plain data that training needs in addition to the tensors, such as a count of steps. Default: none. */
  state?(): unknown;
  restore?(state: unknown): void;
};

/** Rows of a table, one behind the other. */
const gather = (table: Float32Array, rows: Uint32Array, width: number): Float32Array => {
  const out = new Float32Array(rows.length * width);
  for (let index = 0; index < rows.length; index++) {
    const [from, to] = [rows[index]! * width, index * width];
    for (let e = 0; e < width; e++) out[to + e] = table[from + e]!;
  }
  return out;
};

/**
 * A step of FedAvg on the tensors that wire.up names. Each value moves by `factor` times the weighted mean of the cohort's values.
 * A tensor with rows takes the mean over the devices that had the row. A row that no device had does not change.
 */
export const addMeans = ({ up }: Wire, tensors: Tensors, { tensors: sums, weight, rowWeights }: UpdateSum, factor = 1): StepResult => {
  let squares = 0;
  up.forEach((spec, index) => {
    const values = tensors.values(spec.name);
    const width = elements(spec.shape);
    const sum = sums[index]!;
    for (let at = 0; at < values.length; at++) {
      const total = spec.perRow ? rowWeights[Math.floor(at / width)]! : weight;
      const mean = total === 0 ? 0 : sum[at]! / total;
      values[at]! += factor * mean;
      squares += mean * mean;
    }
  });
  return { gradientNorm: Math.sqrt(squares), clipped: false };
};

/** The server half of algorithms whose devices all get the same tensors, or the rows that they ask for. */
export const serveSharedModel = ({ wire, world, tensors, step, state, restore }: SharedModel): ServerHalf => {
  const { down } = wire;
  const live = down.map(({ name }) => tensors.values(name));
  /** The tensors for a round's devices, copied once for all: it is slow to encode from shared memory (messages/frame.ts). */
  const sent = live.map(({ length }) => new Float32Array(length));
  const widths = down.map(({ shape }) => elements(shape));
  const perItem = down.reduce((sum, spec, index) => sum + (spec.perRow ? widths[index]! : 0), 0);
  const modelFor = (rows: Rows): GeneratedModel =>
    down.map((spec, index) => [rows === null || !spec.perRow ? sent[index]! : gather(sent[index]!, rows, widths[index]!)]);
  let pending: UpdateSum | undefined;
  return {
    tensors: tensors.list,
    kernels: chooseImplementation(),
    chunk: Math.max(1, Math.floor(CHUNK_ELEMENTS / Math.max(1, world.items * perItem))),
    prepare: () => sent.forEach((values, index) => void values.set(live[index]!)),
    generate: (_first, rows) => () => rows.map(modelFor),
    apply: (sum) => {
      pending = sum;
    },
    step: (learningRate, round) => {
      if (pending === undefined) return { gradientNorm: 0, clipped: false };
      const result = step(pending, learningRate, round);
      pending = undefined;
      return result;
    },
    settle: () => {},
    state: () => state?.() ?? null,
    restore: (saved) => restore?.(saved),
    close: () => {},
  };
};

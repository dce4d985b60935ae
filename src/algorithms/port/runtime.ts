import { random } from '../../base/random.js';
import { bytesOf } from '../../base/views.js';
import { elements } from '../../messages/wire-tensor.js';
import type { OptimizerSetup } from '../../tensor/optimizers/setup.js';
import { loadTensorflow } from '../../tensor/tfjs.js';
import type { NewTensor, ServerRuntime, Tensors } from './server.js';

/** The memory is shared: another thread writes checkpoints while rounds go on. */
const floats = (count: number): Float32Array => new Float32Array(new SharedArrayBuffer(4 * count));

const createTensors = (specs: readonly NewTensor[], seed: number): Tensors => {
  const arrays = new Map<string, Float32Array>();
  const add = (key: string, count: number): Float32Array => {
    if (arrays.has(key)) throw new Error(`createTensors: expected each name once, found ${key} twice`);
    const values = floats(count);
    arrays.set(key, values);
    return values;
  };
  const list = specs.map(({ name, shape, initial, state = [] }) => {
    const count = elements(shape);
    const values = add(name, count);
    initial?.(random(seed, 'initialize', name), values);
    const kept = state.map((key) => {
      const array = add(`${name}, ${key}`, count);
      return { name: key, bytes: () => bytesOf(array) };
    });
    return { name, shape, bytes: () => bytesOf(values), state: kept };
  });
  return {
    list,
    values: (name, state) => {
      const key = state === undefined ? name : `${name}, ${state}`;
      const found = arrays.get(key);
      if (found === undefined) throw new Error(`createTensors: expected one of ${[...arrays.keys()].join('; ')}, found ${key}`);
      return found;
    },
  };
};

export type RuntimeOptions = {
  readonly seed: number;
  readonly threads: number;
  /** Absent: no plan. */
  readonly rounds?: number;
  readonly optimizer: OptimizerSetup | null;
};

export const createRuntime = ({ seed, threads, rounds, optimizer }: RuntimeOptions): ServerRuntime => ({
  seed,
  threads,
  rounds: rounds ?? null,
  optimizer,
  random: (...keys) => random(seed, ...keys),
  createTensors: (specs) => createTensors(specs, seed),
  tensorflow: async () => (await loadTensorflow()).tf,
});

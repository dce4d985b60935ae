import { messageOf } from '../../../src/base/errors.js';
import { loadTensorflow, type Tensorflow } from '../../../src/tensor/tfjs.js';
import type { Contender } from '../measure.js';
import { PAPER } from './generator.js';

/** TensorFlow.js on each of its backends. Both live in one engine and the backend is global: each contender sets its own first. */
export type TfjsContenders = {
  readonly products: Readonly<Record<string, Contender>>;
  readonly adams: Readonly<Record<string, Contender>>;
  readonly notes: readonly string[];
};

const { users, items, hidden, rank } = PAPER;

const contendersOf = async (tf: Tensorflow, backend: string): Promise<{ product: Contender; adam: Contender }> => {
  const use = async (): Promise<void> => {
    if (tf.getBackend() !== backend) await tf.setBackend(backend);
  };
  await use();
  // In the backend's own memory from the start, so that no turn pays for a move.
  const a = tf.randomNormal([users, hidden]);
  const b = tf.randomNormal([hidden, items * rank]);
  const weights = tf.variable(tf.randomNormal([items * rank * hidden]), true, `weights-${backend}`);
  const gradient = tf.randomNormal([items * rank * hidden]);
  const optimizer = tf.train.adam(1e-3);
  const timed = (work: () => void) => async (): Promise<number> => {
    await use();
    const start = performance.now();
    work();
    return performance.now() - start;
  };
  return {
    product: timed(() => tf.matMul(a, b).dispose()),
    adam: timed(() => optimizer.applyGradients([{ name: weights.name, tensor: gradient }])),
  };
};

export const tfjsContenders = async (note: (text: string) => void): Promise<TfjsContenders> => {
  const products: Record<string, Contender> = {};
  const adams: Record<string, Contender> = {};
  const notes: string[] = [];
  for (const preferred of ['wasm', 'node'] as const) {
    const name = `tfjs-${preferred}`;
    try {
      const { tf, backend } = await loadTensorflow(preferred);
      const { product, adam } = await contendersOf(tf, backend);
      products[name] = product;
      adams[name] = adam;
      note(`${name} loads`);
    } catch (error) {
      notes.push(`${name}: ${messageOf(error)}`);
    }
  }
  if (products['tfjs-node']) notes.push('tfjs-node takes all cores; tfjs-wasm is single-threaded under Node.');
  return { products, adams, notes };
};

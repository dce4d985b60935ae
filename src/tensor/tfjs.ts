import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import util from 'node:util';
import { MetafleetError, messageOf } from '../base/errors.js';

type Info = import('@tensorflow/tfjs').TensorInfo;

export type Tensorflow = typeof import('@tensorflow/tfjs');
export type LoadedTensorflow = {
  readonly tf: Tensorflow;
  readonly backend: 'tensorflow' | 'wasm';
  /** Why the native backend is not in use, if it was tried. */
  readonly fallback?: string;
};

const load = createRequire(import.meta.url);

/**
 * TensorFlow.js with the fastest backend of this machine: libtensorflow through the optional package @tensorflow/tfjs-node,
 * else WebAssembly (single-threaded under Node). The backend is global to the thread. The last call decides it.
 *
 * Gradients (`tf.grads`, optimizers) work alike on both, within the limits of tfjs.
 * The wasm backend has none for the filters of convolutions, and no `einsum`, FFT or complex numbers at all.
 * Neither has them for `gatherND` and `scatterND`, nor through a comparison.
 * So the condition of a `where` must not depend on the variables. Clip or `relu` instead.
 * A small op costs about 40 µs on wasm and 100 µs on the native backend. Keep it out of per-device loops.
 * @throws MetafleetError CAPABILITY when the preferred backend, or without a preference both, do not load.
 */
export const loadTensorflow = async (preferred?: 'node' | 'wasm'): Promise<LoadedTensorflow> => {
  if (preferred === 'wasm') return { tf: await loadWasm(), backend: 'wasm' };
  try {
    return { tf: await loadNative(), backend: 'tensorflow' };
  } catch (error) {
    if (preferred === 'node') throw error;
    return { tf: await loadWasm(), backend: 'wasm', fallback: messageOf(error) };
  }
};

const loadNative = async (): Promise<Tensorflow> => {
  // tfjs-node (2024) calls two functions that Node 22 warns of and Node 23 removed.
  Object.assign(util, { isNullOrUndefined: (value: unknown) => value === null || value === undefined, isArray: Array.isArray });
  // No banners. The second variable states the default, which else announces itself.
  // In a worker thread process.env is a copy, which libtensorflow does not see.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  process.env['TF_ENABLE_ONEDNN_OPTS'] ??= '1';
  return orCapability('@tensorflow/tfjs-node', 'tensorflow', () => load('@tensorflow/tfjs-node') as Tensorflow);
};

const loadWasm = (): Promise<Tensorflow> =>
  orCapability('@tensorflow/tfjs-backend-wasm', 'wasm', () => {
    const tf = load('@tensorflow/tfjs') as Tensorflow;
    const wasm = load('@tensorflow/tfjs-backend-wasm') as typeof import('@tensorflow/tfjs-backend-wasm');
    wasm.setWasmPaths(join(dirname(load.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'wasm-out/'));
    addSegmentSum(tf);
    return tf;
  });

const orCapability = async (what: string, backend: string, attempt: () => Tensorflow): Promise<Tensorflow> => {
  try {
    const tf = attempt();
    // tfjs without its banners and warnings is in production mode.
    tf.enableProdMode();
    if (!(await tf.setBackend(backend))) throw new Error(`backend ${backend} does not start`);
    return tf;
  } catch (cause) {
    // The first line: a missing module's message lists every file that required it.
    throw new MetafleetError('CAPABILITY', `${what} does not load: ${messageOf(cause).split('\n')[0]}`, { cause });
  }
};

/**
 * The wasm backend lacks UnsortedSegmentSum, the gradient of `gather` and so of every embedding.
 * It has ScatterNd, which adds up updates of one index. With one-dimensional indices that is the same sum.
 */
const addSegmentSum = (tf: Tensorflow): void => {
  if (tf.getKernel('UnsortedSegmentSum', 'wasm') !== undefined) return;
  tf.registerKernel({
    kernelName: 'UnsortedSegmentSum',
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { x, segmentIds } = inputs as { x: Info; segmentIds: Info };
      const shape = [(attrs as { numSegments: number }).numSegments, ...x.shape.slice(segmentIds.shape.length)];
      const indices = { ...infoOf(segmentIds), shape: [...segmentIds.shape, 1] };
      return tf.getKernel('ScatterNd', 'wasm').kernelFunc({ inputs: { indices, updates: infoOf(x) }, backend, attrs: { shape } });
    },
  });
};

const infoOf = ({ dataId, shape, dtype }: Info): Info => ({ dataId, shape, dtype });

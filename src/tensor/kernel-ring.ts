import { messageOf } from '../base/errors.js';
import type { KernelName, Kernels, KernelTask } from './kernels.js';
import type { Implementation } from './probe.js';
import { referenceKernels } from './reference.js';
import { simdKernels } from './simd.js';

/**
 * The shared state of a kernel pool: a ring of encoded tasks that all threads claim from, one at a time.
 *
 * Tasks are numbered for the life of the pool; task t sits in slot t mod CAPACITY and `published`, `claimed` and `done`
 * count up forever (modulo 2³²). So nothing is ever reset, and a thread that comes late from one batch cannot disturb the
 * next: whatever it manages to claim is published and not yet done. published − done ≤ CAPACITY.
 */
export type Ring = {
  readonly buffer: SharedArrayBuffer;
  readonly control: Int32Array;
  readonly tasks: Float64Array;
  readonly results: Float64Array;
  readonly text: Uint8Array;
};

export const CAPACITY = 1024;
/** Doubles per task: kernel, memory, number of arguments, arguments (at most 16, adamItems). */
const SLOT = 20;
const CONTROL_BYTES = 64;
const TEXT_BYTES = 960;

/** Indices into `control`. */
const published = 0,
  claimed = 1,
  done = 2,
  sleepers = 3,
  failed = 4,
  textLength = 5,
  lost = 6;

/** Looks at a word this often before it sleeps: about 20 µs, what it costs to be woken. */
const SPINS = 4000;
/** A thread's death notice can fall between the caller's last look and its sleep; it looks again after this time. */
const LOOK_AGAIN_MS = 200;

/** The kernels by number, as threads name them to each other. */
const kernelNames = Object.keys({
  gemm: 0,
  transpose: 0,
  relu: 0,
  reluBackward: 0,
  addRows: 0,
  axpy: 0,
  zero: 0,
  sumSquares: 0,
  dot: 0,
  dotItems: 0,
  generateItems: 0,
  generateRows: 0,
  backwardRows: 0,
  adam: 0,
  adamTensor: 0,
  adamItems: 0,
  adamTensorItems: 0,
  adamRow: 0,
  adamRowItems: 0,
  adagrad: 0,
  adagradItems: 0,
  momentum: 0,
  momentumItems: 0,
  scaleItems: 0,
  predictRatings: 0,
  descendRatings: 0,
} satisfies Record<KernelName, 0>) as KernelName[];
const kernelIndex = new Map(kernelNames.map((name, index) => [name, index]));

export const createRing = (): Ring => ringOn(new SharedArrayBuffer(CONTROL_BYTES + TEXT_BYTES + CAPACITY * (SLOT + 1) * 8));

export const ringOn = (buffer: SharedArrayBuffer): Ring => ({
  buffer,
  control: new Int32Array(buffer, 0, CONTROL_BYTES / 4),
  text: new Uint8Array(buffer, CONTROL_BYTES, TEXT_BYTES),
  tasks: new Float64Array(buffer, CONTROL_BYTES + TEXT_BYTES, CAPACITY * SLOT),
  results: new Float64Array(buffer, CONTROL_BYTES + TEXT_BYTES + CAPACITY * SLOT * 8, CAPACITY),
});

export const instantiate = (implementation: Implementation, memory: WebAssembly.Memory): Kernels =>
  implementation === 'simd' ? simdKernels(memory) : referenceKernels(memory);

/** One task on this thread. Errors name the kernel and the memory. */
export const execute = (kernels: readonly Kernels[], kernel: KernelName, memory: number, args: readonly number[]): number => {
  const call = kernels[memory]?.[kernel] as ((...args: readonly number[]) => number | void) | undefined;
  if (call === undefined) throw new Error(`kernel ${kernel}: expected one of ${kernels.length} memories, found memory ${memory}`);
  try {
    return call(...args) ?? 0;
  } catch (cause) {
    throw new Error(`kernel ${kernel} on memory ${memory}: ${messageOf(cause)}, with arguments ${args.join(', ')}`, { cause });
  }
};

/** Publishes at most CAPACITY tasks and wakes as many threads as they can keep busy. Returns the first one's number. */
export const publish = (ring: Ring, batch: readonly KernelTask[]): number => {
  const first = Atomics.load(ring.control, published);
  batch.forEach(({ kernel, memory, args }, i) => {
    const at = slotOf(first + i) * SLOT;
    ring.tasks[at] = kernelIndex.get(kernel)!;
    ring.tasks[at + 1] = memory;
    ring.tasks[at + 2] = args.length;
    ring.tasks.set(args, at + 3);
  });
  Atomics.store(ring.control, published, (first + batch.length) | 0);
  if (Atomics.load(ring.control, sleepers) > 0) Atomics.notify(ring.control, published, batch.length - 1);
  return first;
};

/** Executes tasks until none is left to claim. After a failure the rest of the batch is claimed and left undone. */
export const drain = (ring: Ring, kernels: readonly Kernels[]): void => {
  const { control, tasks, results } = ring;
  for (;;) {
    const task = Atomics.load(control, claimed);
    if (task === Atomics.load(control, published)) return;
    if (Atomics.compareExchange(control, claimed, task, (task + 1) | 0) !== task) continue;
    const slot = slotOf(task),
      at = slot * SLOT;
    if (Atomics.load(control, failed) === 0) {
      try {
        results[slot] = execute(
          kernels,
          kernelNames[tasks[at]!]!,
          tasks[at + 1]!,
          Array.from(tasks.subarray(at + 3, at + 3 + tasks[at + 2]!)),
        );
      } catch (error) {
        recordFailure(ring, messageOf(error));
      }
    }
    if (((Atomics.add(control, done, 1) + 1) | 0) === Atomics.load(control, published)) Atomics.notify(control, done);
  }
};

/** What a task of the last batch returned. */
export const resultOf = (ring: Ring, task: number): number => ring.results[slotOf(task)]!;

/** Blocks until every published task is done. Returns false when a thread died: its task never will be. */
export const awaitDone = ({ control }: Ring): boolean => {
  const all = Atomics.load(control, published);
  for (;;) {
    const seen = spinWhile(control, done, (value) => value !== all);
    if (seen === all) return true;
    if (Atomics.load(control, lost) !== 0) return false;
    Atomics.wait(control, done, seen, LOOK_AGAIN_MS);
  }
};

/** A pool thread's whole life: it works when there are tasks and sleeps when there are none, until it is terminated. */
export const serve = (ring: Ring, kernels: readonly Kernels[]): never => {
  const { control } = ring;
  for (;;) {
    drain(ring, kernels);
    const seen = spinWhile(control, published, (value) => value === Atomics.load(control, claimed));
    if (seen !== Atomics.load(control, claimed)) continue;
    Atomics.add(control, sleepers, 1);
    Atomics.wait(control, published, seen);
    Atomics.sub(control, sleepers, 1);
  }
};

/** Says that this thread ends, for a caller that may be waiting for it. */
export const recordLoss = ({ control }: Ring): void => {
  Atomics.store(control, lost, 1);
  Atomics.notify(control, done);
};

/** The first failure since it was last asked for, which clears it. */
export const takeFailure = ({ control, text }: Ring): string | undefined => {
  if (Atomics.load(control, failed) === 0) return undefined;
  const message = new TextDecoder().decode(text.slice(0, Atomics.load(control, textLength)));
  Atomics.store(control, failed, 0);
  return message;
};

const recordFailure = ({ control, text }: Ring, message: string): void => {
  if (Atomics.compareExchange(control, failed, 0, 1) !== 0) return;
  const encoded = new TextEncoder().encode(message).subarray(0, TEXT_BYTES);
  text.set(encoded);
  Atomics.store(control, textLength, encoded.length);
};

const slotOf = (task: number): number => task & (CAPACITY - 1);

const spinWhile = (control: Int32Array, word: number, unchanged: (value: number) => boolean): number => {
  let value = Atomics.load(control, word);
  for (let i = 0; i < SPINS && unchanged(value); i++) value = Atomics.load(control, word);
  return value;
};

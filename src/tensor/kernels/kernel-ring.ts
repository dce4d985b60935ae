import { messageOf } from '../../base/errors.js';
import type { KernelSet } from './kernels.js';
import type { Implementation } from './probe.js';
import { simdKernels } from './simd.js';

/**
 * The shared state of a kernel pool: two lanes of encoded tasks, which all threads claim one at a time.
 * Threads take from the deferred lane only when the urgent one is empty. After each task they look at the urgent one again.
 *
 * A lane's tasks are numbered for the life of the pool. Task t is in slot t mod CAPACITY.
 * `published`, `claimed` and `done` count up for ever (modulo 2³²), and nothing is reset.
 * So a thread that comes late from one batch cannot disturb the next: a task that it claims is published and not done.
 * At any time, published − done ≤ CAPACITY.
 */
export type Ring = {
  readonly buffer: SharedArrayBuffer;
  readonly control: Int32Array;
  readonly urgent: Lane;
  readonly deferred: Lane;
  /** The kernels that tasks may name, by number: threads pass each other the numbers. */
  readonly names: readonly string[];
  readonly numbers: ReadonlyMap<string, number>;
};

/** A call of any kernel. */
type Task = { readonly kernel: string; readonly memory: number; readonly args: readonly number[] };

export type Lane = {
  readonly control: Int32Array;
  readonly tasks: Float64Array;
  readonly results: Float64Array;
  readonly text: Uint8Array;
};

export const CAPACITY = 1024;
/** A kernel takes at most so many arguments. */
const ARGUMENTS = 8;
/** Doubles per task: kernel, memory, number of arguments, arguments. */
const SLOT = 3 + ARGUMENTS;
const CONTROL_BYTES = 64;
const TEXT_BYTES = 960;
const LANE_BYTES = CONTROL_BYTES + TEXT_BYTES + CAPACITY * (SLOT + 1) * 8;

/** Indices into the ring's `control`: `bell` changes with every batch. */
const bell = 0,
  sleepers = 1,
  lost = 2;

/** Indices into a lane's `control`. */
const published = 0,
  claimed = 1,
  done = 2,
  failed = 3,
  textLength = 4;

/** A thread looks at a word this often before it sleeps. That takes about 20 µs, as long as a wake-up. */
const SPINS = 4000;
/** A notice of a thread's death can come between the caller's last look and its sleep. So the caller looks again after this time. */
const LOOK_AGAIN_MS = 200;

export const createRing = (names: readonly string[]): Ring => ringOn(new SharedArrayBuffer(CONTROL_BYTES + 2 * LANE_BYTES), names);

const laneOn = (buffer: SharedArrayBuffer, at: number): Lane => ({
  control: new Int32Array(buffer, at, CONTROL_BYTES / 4),
  text: new Uint8Array(buffer, at + CONTROL_BYTES, TEXT_BYTES),
  tasks: new Float64Array(buffer, at + CONTROL_BYTES + TEXT_BYTES, CAPACITY * SLOT),
  results: new Float64Array(buffer, at + CONTROL_BYTES + TEXT_BYTES + CAPACITY * SLOT * 8, CAPACITY),
});

export const ringOn = (buffer: SharedArrayBuffer, names: readonly string[]): Ring => ({
  buffer,
  control: new Int32Array(buffer, 0, CONTROL_BYTES / 4),
  urgent: laneOn(buffer, CONTROL_BYTES),
  deferred: laneOn(buffer, CONTROL_BYTES + LANE_BYTES),
  names,
  numbers: new Map(names.map((name, number) => [name, number])),
});

/** The definition of some kernels on one memory, as plain loops. */
export type Reference<All extends KernelSet> = (memory: WebAssembly.Memory) => All;

/** Kernels on one memory: those of the SIMD module, or the reference. */
export const instantiate = <All extends KernelSet>(
  implementation: Implementation,
  memory: WebAssembly.Memory,
  reference: Reference<All>,
): All => (implementation === 'simd' ? simdKernels<All>(memory) : reference(memory));

/** One task on this thread. Errors name the kernel and the memory. */
export const execute = (kernels: readonly KernelSet[], { kernel, memory, args }: Task): number => {
  const set = kernels[memory];
  if (set === undefined) throw new Error(`kernel ${kernel}: expected one of ${kernels.length} memories, found memory ${memory}`);
  const call = set[kernel] as ((...args: readonly number[]) => number | void) | undefined;
  if (call === undefined) throw new Error(`kernel ${kernel}: this thread has none of this name`);
  try {
    return call(...args) ?? 0;
  } catch (cause) {
    throw new Error(`kernel ${kernel} on memory ${memory}: ${messageOf(cause)}, with arguments ${args.join(', ')}`, { cause });
  }
};

/** Publishes tasks, and wakes at most `wanted` threads. With the undone tasks they are at most CAPACITY. Returns the first one's number. */
export const publish = (ring: Ring, lane: Lane, batch: readonly Task[], wanted: number): number => {
  const first = Atomics.load(lane.control, published);
  batch.forEach(({ kernel, memory, args }, i) => {
    const at = slotOf(first + i) * SLOT;
    lane.tasks[at] = ring.numbers.get(kernel)!;
    lane.tasks[at + 1] = memory;
    lane.tasks[at + 2] = args.length;
    for (let a = 0; a < args.length; a++) lane.tasks[at + 3 + a] = args[a]!;
  });
  Atomics.store(lane.control, published, (first + batch.length) | 0);
  Atomics.add(ring.control, bell, 1);
  if (Atomics.load(ring.control, sleepers) > 0) Atomics.notify(ring.control, bell, wanted);
  return first;
};

/** Executes one task, if there is one left to claim. After a failure, the other tasks of the batch are claimed but not executed. */
const takeOne = (names: readonly string[], lane: Lane, kernels: readonly KernelSet[]): boolean => {
  const { control, tasks, results } = lane;
  const task = Atomics.load(control, claimed);
  if (task === Atomics.load(control, published)) return false;
  if (Atomics.compareExchange(control, claimed, task, (task + 1) | 0) !== task) return true;
  const slot = slotOf(task),
    at = slot * SLOT;
  if (Atomics.load(control, failed) === 0) {
    try {
      // Neither Array.from nor a view: a round has hundreds of tasks, and some take a microsecond.
      const args: number[] = [];
      for (let a = 0; a < tasks[at + 2]!; a++) args.push(tasks[at + 3 + a]!);
      results[slot] = execute(kernels, { kernel: names[tasks[at]!]!, memory: tasks[at + 1]!, args });
    } catch (error) {
      recordFailure(lane, messageOf(error));
    }
  }
  if (((Atomics.add(control, done, 1) + 1) | 0) === Atomics.load(control, published)) Atomics.notify(control, done);
  return true;
};

/** Executes a lane's tasks until none is left to claim. */
export const drain = ({ names }: Ring, lane: Lane, kernels: readonly KernelSet[]): void => {
  while (takeOne(names, lane, kernels));
};

/** What a task of the last batch returned. */
export const resultOf = (lane: Lane, task: number): number => lane.results[slotOf(task)]!;

/** How many published tasks of a lane are not done. */
export const undone = ({ control }: Lane): number => (Atomics.load(control, published) - Atomics.load(control, done)) | 0;

/** Blocks until every published task of a lane is done. Returns false when a thread died: its task will never be done. */
export const awaitDone = ({ control: shared }: Ring, { control }: Lane): boolean => {
  const all = Atomics.load(control, published);
  for (;;) {
    const seen = spinWhile(control, done, (value) => value !== all);
    if (seen === all) return true;
    if (Atomics.load(shared, lost) !== 0) return false;
    Atomics.wait(control, done, seen, LOOK_AGAIN_MS);
  }
};

/** The whole life of a pool's thread. It works when there are tasks, and sleeps when there are none, until it is terminated. */
export const serve = (ring: Ring, kernels: readonly KernelSet[]): never => {
  const { control, urgent, deferred, names } = ring;
  for (;;) {
    // Read before the lanes: a task published after they were found empty changes it.
    const rung = Atomics.load(control, bell);
    drain(ring, urgent, kernels);
    if (takeOne(names, deferred, kernels)) continue;
    if (spinWhile(control, bell, (value) => value === rung) !== rung) continue;
    Atomics.add(control, sleepers, 1);
    Atomics.wait(control, bell, rung);
    Atomics.sub(control, sleepers, 1);
  }
};

/** Records that this thread ends, for a caller that may wait for it. */
export const recordLoss = ({ control, urgent, deferred }: Ring): void => {
  Atomics.store(control, lost, 1);
  for (const lane of [urgent, deferred]) Atomics.notify(lane.control, done);
};

/** A lane's first failure since the last call. The call clears it. */
export const takeFailure = ({ control, text }: Lane): string | undefined => {
  if (Atomics.load(control, failed) === 0) return undefined;
  const message = new TextDecoder().decode(text.slice(0, Atomics.load(control, textLength)));
  Atomics.store(control, failed, 0);
  return message;
};

const recordFailure = ({ control, text }: Lane, message: string): void => {
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

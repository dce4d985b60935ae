/**
 * The kernel port: float32 loops on one shared WebAssembly memory.
 * It has two implementations: assembly/ (f32x4 SIMD) and reference.ts (plain loops, the definition).
 * One conformance suite compares them. Kernels that one algorithm alone uses live with it.
 *
 * Shapes: every pointer is a byte offset into the memory, 16-byte aligned. Every count and stride is in elements.
 * No kernel takes more than eight numbers. More of them go by pointer to a struct, whose layout is in structs/.
 * Matrices are row-major. The rows of a sparse tensor (item blocks) are contiguous.
 * Where an algorithm's own kernels read them, they have a multiple of 4 elements. Pointers ≥ 2³¹ arrive as such.
 *
 * Sums run in a fixed order: the same input gives the same bits on every thread.
 * A caller may cut matrices and rows anywhere between calls, and no bit changes.
 * Only the numbers that kernels return (sumSquares, dot, adamTensor, …) depend on the cut. Cut those ranges by constants, never by threads.
 */
export type Kernels = {
  /**
   * C(m,n) = [C +] A(m,k)·B(k,n) [+ bias(n) on every row]. `form` gives the strides, and whether C is added to (structs/form.ts).
   * `bias` 0: none. Any m, n, k ≥ 0.
   */
  gemm(m: number, n: number, k: number, a: number, b: number, c: number, bias: number, form: number): void;
  /** out(columns, rows) = a(rows, columns)ᵀ; a is dense, rows of out are `outRow` elements apart. */
  transpose(rows: number, columns: number, a: number, out: number, outRow: number): void;
  /** x = max(x, 0), in place. */
  relu(count: number, x: number): void;
  /** dy = 0 where y ≤ 0, y being relu's output. */
  reluBackward(count: number, y: number, dy: number): void;
  /** x = 1/(1 + e⁻ˣ), in place. Within 2⁻²² of the exact number, or within 2⁻¹²⁰ of zero. */
  sigmoid(count: number, x: number): void;
  /** dy *= y·(1 − y), y being sigmoid's output. */
  sigmoidBackward(count: number, y: number, dy: number): void;
  /** x = tanh x, in place. Within 2⁻²² of the exact number. */
  tanh(count: number, x: number): void;
  /** dy *= 1 − y², y being tanh's output. */
  tanhBackward(count: number, y: number, dy: number): void;
  /** out(n) += Σ over the m rows of a(m,n): a bias' gradient. */
  addRows(m: number, n: number, a: number, out: number): void;
  /** y += scale · x. */
  axpy(count: number, scale: number, x: number, y: number): void;
  /** Σ x², accumulated in float64. */
  sumSquares(count: number, x: number): number;
  /** Σ x·y, accumulated in float64. */
  dot(count: number, x: number, y: number): number;
  /** x = 0. */
  zero(count: number, x: number): void;
  /**
   * Sums over item blocks first ≤ i < first + count of `size` elements: x + i·size and y + slotOf[i]·size (i32, −1: left out).
   * Returns Σ y², and writes Σ x·y to `dots` (f64). Slots count from 0, in the order of their items.
   */
  squaresAndDotItems(first: number, count: number, size: number, slotOf: number, x: number, y: number, dots: number): number;
  /**
   * Adam (Kingma & Ba 2015) fused with L2 and clipping, in one pass, by hyperparameters `hyper` (structs/hyper.ts). Per element:
   *
   *   γ = scale·g, or 0 where g is 0, the null pointer
   *   decoupled 0: γ += decay·w
   *   decoupled 1 (AdamW): w −= decay·w, where `decay` holds learning rate · λ
   *   m = β1·m + (1−β1)·γ;  v = β2·v + (1−β2)·γ²;  w −= rate·m / (√v·correction + ε)
   *   rate = learning rate / (1−β1ᵗ), correction = 1/√(1−β2ᵗ)
   *
   * Arithmetic on denormal numbers takes many times as long. So numbers without a gradient stop fading before they get there:
   * |γ| counts as at least 2⁻⁵⁶ in v, and m is zero below 2⁻¹⁰⁰.
   */
  adam(count: number, w: number, m: number, v: number, g: number, hyper: number): void;
  /**
   * The same with ONE second moment for the whole tensor: `rate` already holds learning rate / (1−β1ᵗ) / (√v·correction + ε).
   * Returns Σ w² after the step, in float64. The next step needs it for the regularization term of the second moment.
   */
  adamTensor(count: number, w: number, m: number, g: number, hyper: number): number;
  /** `adam` over item blocks first ≤ i < first + count of a sparse tensor, `rows` (structs/rows.ts), whose gradient is g + slotOf[i]·size (−1: none). */
  adamItems(rows: number, first: number, count: number, g: number, hyper: number): void;
  /**
   * Applies the pending steps of item blocks: deferred steps without a gradient. Block i has applied stepsApplied[i] (i32) of them.
   * It gets those up to step `last`, and then stepsApplied[i] = last. One caller steps a block: meanwhile stepsApplied[i] is −1,
   * and other callers leave the block out. Step t's hyperparameters are at steps + 64·(t mod 8) bytes (structs/kept-steps.ts).
   */
  adamPending(rows: number, first: number, count: number, last: number): void;
  /**
   * `adam` with ONE second moment v (a single float32) for these `count` elements. The first `trained` of them are no padding.
   * v = β2·v + (1−β2)·Σγ²/trained before the step, with γ as in `adam`.
   */
  adamRow(count: number, trained: number, w: number, m: number, v: number, g: number, hyper: number): void;
  /** `adamRow` over item blocks, each with its own v[i]. */
  adamRowItems(rows: number, first: number, count: number, g: number, hyper: number): void;
  /** `adamPending` with one second moment for a block. */
  adamRowPending(rows: number, first: number, count: number, last: number): void;
  /** `adamTensor` over item blocks; returns Σ w² of those blocks. */
  adamTensorItems(rows: number, first: number, count: number, g: number, hyper: number): number;
  /** Adagrad (Duchi et al. 2011), with γ and decay as in `adam`: v += γ²;  w −= rate·γ / (√v + ε). */
  adagrad(count: number, w: number, v: number, g: number, hyper: number): void;
  /** `adagrad` over item blocks. */
  adagradItems(rows: number, first: number, count: number, g: number, hyper: number): void;
  /** `adagrad` for the pending steps of item blocks, as in `adamPending`. */
  adagradPending(rows: number, first: number, count: number, last: number): void;
  /** Momentum, with γ and decay as in `adam`: m = factor·m + γ;  w −= rate·m, or with `nesterov` 1 (Sutskever et al. 2013) w −= rate·(γ + factor·m). */
  momentum(count: number, w: number, m: number, g: number, hyper: number): void;
  /** `momentum` over item blocks. */
  momentumItems(rows: number, first: number, count: number, g: number, hyper: number): void;
  /** `momentum` for the pending steps of item blocks, as in `adamPending`. */
  momentumPending(rows: number, first: number, count: number, last: number): void;
  /** w[i·size + j] *= factors[i] for the first `count` blocks. */
  scaleItems(count: number, size: number, factors: number, w: number): void;
};

/** Some kernels by name: those of this port, or those that an algorithm brings. */
export type KernelSet = Readonly<Record<string, (...args: never[]) => number | void>>;

/** One kernel call on one memory, for the pool: `memory` indexes the pool's memories. */
export type KernelTask<All extends KernelSet = Kernels> = {
  readonly [Name in keyof All & string]: { readonly kernel: Name; readonly memory: number; readonly args: Readonly<Parameters<All[Name]>> };
}[keyof All & string];

/** Runs independent kernel calls (disjoint outputs) on all threads. The caller's thread takes its share, and blocks until all are done. */
export type KernelPool<All extends KernelSet = Kernels> = {
  readonly memories: readonly WebAssembly.Memory[];
  readonly implementation: 'simd' | 'reference';
  readonly threads: number;
  /** Kernels of one memory, on the caller's thread. */
  on(memory: number): All;
  /** Returns each task's value (0 for kernels without one), in the order of the tasks. */
  run(tasks: readonly KernelTask<All>[]): Float64Array;
  /** Gives calls to the other threads and returns at once. Without another thread it runs them. Their outputs are there after `finish`. */
  begin(tasks: readonly KernelTask<All>[]): void;
  /** Takes this thread's share of the calls of `begin`, and blocks until all are done. Throws as `run` does. */
  finish(): void;
  /**
   * Settles the calls deferred before. Then the other threads run these calls when they have no other work. Without another thread it runs them.
   * The function that it returns settles them, and returns their values as `run` does.
   */
  defer(tasks: readonly KernelTask<All>[]): () => Float64Array;
  /** Whether all deferred calls are done. */
  isSettled(): boolean;
  /** Takes this thread's share of the deferred calls, and blocks until all are done. Throws as `run` does. */
  settle(): void;
  close(): Promise<void>;
};

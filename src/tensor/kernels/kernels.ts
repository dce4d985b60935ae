/**
 * The kernel port: float32 loops (a few float64) on one shared WebAssembly memory. Two implementations serve it, assembly/ (f32x4 SIMD)
 * and reference.ts (plain loops, the definition), held together by one conformance suite.
 *
 * Shapes: every pointer is a byte offset into the memory, 16-byte aligned; every count and stride is in elements. No kernel takes more
 * than eight numbers: what belongs together goes by pointer to a struct, which structs/ lays out.
 * Matrices are row-major. `items` tensors are item-major blocks (n, o, s): the s outputs of one item for each of o
 * hidden units lie together, so that a generated row, its gradient and its Adam pass each touch one contiguous block.
 * s is a multiple of 4 (callers pad with zeros, which every kernel keeps zero). Pointers ≥ 2³¹ arrive as such.
 * Sums run in a fixed order: the same input gives the same bits on every thread. Matrices and rows may be cut anywhere
 * between calls without changing a bit, and a row of generateRows equals that of generateItems; only the numbers that kernels
 * return (sumSquares, dot, adamTensor, …) depend on how a caller cuts the range: cut it by constants, never by threads.
 */
export type Kernels = {
  /** C(m,n) = [C +] A(m,k)·B(k,n) [+ bias(n) on every row]. `form` says how the matrices lie and whether C is added to (structs/form.ts).
   * `bias` 0: none. Any m, n, k ≥ 0. */
  gemm(m: number, n: number, k: number, a: number, b: number, c: number, bias: number, form: number): void;
  /** out(columns, rows) = a(rows, columns)ᵀ; a is dense, rows of out are `outRow` elements apart. */
  transpose(rows: number, columns: number, a: number, out: number, outRow: number): void;
  /** x = max(x, 0), in place. */
  relu(count: number, x: number): void;
  /** dy = 0 where y ≤ 0, y being relu's output. */
  reluBackward(count: number, y: number, dy: number): void;
  /** out(n) += Σ over the m rows of a(m,n): a bias' gradient. */
  addRows(m: number, n: number, a: number, out: number): void;
  /** y += scale · x. */
  axpy(count: number, scale: number, x: number, y: number): void;
  /** Σ x², accumulated in float64. */
  sumSquares(count: number, x: number): number;
  /** Σ x·y, accumulated in float64. */
  dot(count: number, x: number, y: number): number;

  /** Finds for `generateItems` which units of h (users, o) two users have, and which two share many; `pairs` is room for pairRoom(users, o) elements. */
  pairUnits(users: number, o: number, s: number, h: number, pairs: number): void;
  /** Full generation by a `generator` (structs/generator.ts): out[u·outStride + i·s + j] = bias[i·s + j] + Σ_p h[u·o + p] · w[(i·o + p)·s + j]
   * for u < users and first ≤ i < first + count. Two users × two items per step is the tile that fills the registers. With `pairs`, as pairUnits
   * left them, units that are zero cost nothing where both have them so; the null pointer: all units of neighbours. */
  generateItems(
    generator: number,
    users: number,
    first: number,
    count: number,
    h: number,
    pairs: number,
    out: number,
    outStride: number,
  ): void;
  /** Sparse generation of the rows of a `list` (structs/row-list.ts): row r belongs to cohort position user[r] and item item[r], and goes to place[r]:
   * out[place·s + j] = bias[item·s + j] + Σ_p h[user·o + p] · w[(item·o + p)·s + j]. Rows of one item should stand together, which then
   * comes from memory once. */
  generateRows(generator: number, list: number, h: number, out: number): void;
  /** Backward of both. Slots from `fresh` on may hold anything: the rows of each stand together, and the first zeroes it.
   * For each row r of the list, in order, with gradient d = upstream[r·s …] and slot = place[r]:
   * g[(slot·o + p)·s + j] += h[user·o + p]·d[j];  gBias[slot·s + j] += d[j];
   * dh[user·o + p] = Σ_r Σ_j w[(item·o + p)·s + j]·d[j] for the cohort's `users`, zero where h is: h is behind a ReLU.
   * `units` is room for unitRoom(users, o) elements. */
  backwardRows(generator: number, list: number, users: number, h: number, units: number, g: number, gBias: number, dh: number): void;

  /** x = 0. */
  zero(count: number, x: number): void;
  /** Over item blocks first ≤ i < first + count of `size` elements, x + i·size and y + slotOf[i]·size (i32, −1: left out): returns Σ y², and leaves
   * Σ x·y at `dots` (f64). Slots are those from 0 on, in the order of their items. */
  squaresAndDotItems(first: number, count: number, size: number, slotOf: number, x: number, y: number, dots: number): number;
  /** Adam (Kingma & Ba 2015) fused with L2 and clipping, one pass, by hyperparameters `hyper` (structs/hyper.ts). Per element, with
   * γ = scale·g (γ = 0 where g is 0, the null pointer): coupled (decoupled 0): γ += decay·w; decoupled 1 (AdamW): w −= rateDecay·w first,
   * where rateDecay = learning rate·decay is what `decay` then holds.
   * m = β1·m + (1−β1)·γ;  v = β2·v + (1−β2)·γ²;  w −= rate·m / (√v·correction + ε).
   * rate = learning rate / (1−β1ᵗ), correction = 1/√(1−β2ᵗ). Without a gradient, what fades stops before it gets to denormal numbers, with which
   * arithmetic takes many times as long: |γ| counts as at least 2⁻⁵⁶ in v, and m is zero below 2⁻¹⁰⁰. */
  adam(count: number, w: number, m: number, v: number, g: number, hyper: number): void;
  /** The same with ONE second moment for the whole tensor: `rate` already holds learning rate / (1−β1ᵗ) / (√v·correction + ε).
   * Returns Σ w² after the step, in float64 (the next step's regularization term of the second moment needs it). */
  adamTensor(count: number, w: number, m: number, g: number, hyper: number): number;
  /** `adam` over item blocks first ≤ i < first + count of a sparse tensor, `rows` (structs/rows.ts), whose gradient is g + slotOf[i]·size (−1: none). */
  adamItems(rows: number, first: number, count: number, g: number, hyper: number): void;
  /** The steps that item blocks owe, those without a gradient that were left for later: block i has made[i] (i32) steps behind it and is
   * stepped up to step `last`, with made[i] = last afterwards. Each block is stepped by one caller; made[i] is −1 while it is at it, and whoever comes
   * then leaves the block out. Step t's hyperparameters are at steps + 64·(t mod 8) bytes (structs/kept-steps.ts). */
  adamOwed(rows: number, first: number, count: number, last: number): void;
  /** The same with ONE second moment v (a single float32) for these `count` elements, of which `trained` count: with γ as in `adam`,
   * v = β2·v + (1−β2)·Σγ²/trained before the step. */
  adamRow(count: number, trained: number, w: number, m: number, v: number, g: number, hyper: number): void;
  /** `adamRow` over item blocks, each with its own v[i]. */
  adamRowItems(rows: number, first: number, count: number, g: number, hyper: number): void;
  /** `adamOwed` with one second moment for a block. */
  adamRowOwed(rows: number, first: number, count: number, last: number): void;
  /** `adamTensor` over item blocks; returns Σ w² of those blocks. */
  adamTensorItems(rows: number, first: number, count: number, g: number, hyper: number): number;
  /** Adagrad (Duchi et al. 2011), with γ and decay as in `adam`: v += γ²;  w −= rate·γ / (√v + ε). */
  adagrad(count: number, w: number, v: number, g: number, hyper: number): void;
  /** `adagrad` over item blocks. */
  adagradItems(rows: number, first: number, count: number, g: number, hyper: number): void;
  /** `adagrad` for the steps that item blocks owe, as in `adamOwed`. */
  adagradOwed(rows: number, first: number, count: number, last: number): void;
  /** Momentum, with γ and decay as in `adam`: m = factor·m + γ;  w −= rate·m, or with `nesterov` 1 (Sutskever et al. 2013) w −= rate·(γ + factor·m). */
  momentum(count: number, w: number, m: number, g: number, hyper: number): void;
  /** `momentum` over item blocks. */
  momentumItems(rows: number, first: number, count: number, g: number, hyper: number): void;
  /** `momentum` for the steps that item blocks owe, as in `adamOwed`. */
  momentumOwed(rows: number, first: number, count: number, last: number): void;
  /** w[i·size + j] *= factors[i] for the first `count` blocks. */
  scaleItems(count: number, size: number, factors: number, w: number): void;

  /** Predictions by a generated `model` (structs/factored.ts), in float64: row[r] (u32) is the row of `low` of the r-th rating's item.
   * A = rise·w1 (s, f)   h = ReLU(low[row]·A + b1)   out[r] (f32) = centre + (w2·h + b2 [+ low[row, 0] where `offset` is 1])
   * Both implementations do the same operations in the same order: their results are the same bits. */
  predictFactored(model: number, count: number, row: number, centre: number, out: number): void;
  /** The gradient of Σ (ŷ − value)² over the ratings with respect to `low` (`rows` rows of it), rise, w1, b1, w2 and b2: in `gradient`
   * (f32), one behind the other in this order, rows padded as those of low, rise (s, d), w1, b1 and w2. A row's gradient is rounded to float32 after
   * each term that is added, the others once, at the end. Returns the sum. */
  backwardFactored(model: number, count: number, rows: number, row: number, value: number, centre: number, gradient: number): number;
};

/** Some kernels by name: those of this port, or those that an algorithm brings. */
export type KernelSet = Readonly<Record<string, (...args: never[]) => number | void>>;

/** One kernel call on one memory, for the pool: `memory` indexes the pool's memories. */
export type KernelTask<All extends KernelSet = Kernels> = {
  readonly [Name in keyof All & string]: { readonly kernel: Name; readonly memory: number; readonly args: Readonly<Parameters<All[Name]>> };
}[keyof All & string];

/** Runs independent kernel calls (disjoint outputs) on all threads; the caller's thread takes its share and blocks until all are done. */
export type KernelPool<All extends KernelSet = Kernels> = {
  readonly memories: readonly WebAssembly.Memory[];
  readonly implementation: 'simd' | 'reference';
  readonly threads: number;
  /** Kernels of one memory, on the caller's thread. */
  on(memory: number): All;
  /** Returns each task's value (0 for kernels without one), in the order of the tasks. */
  run(tasks: readonly KernelTask<All>[]): Float64Array;
  /** Hands calls to the other threads and returns at once; with no other thread it runs them. What they write is there after `finish`. */
  begin(tasks: readonly KernelTask<All>[]): void;
  /** Takes this thread's share of what was begun and blocks until all of it is done. Throws as `run` does. */
  finish(): void;
  /**
   * Settles what was deferred before, leaves these calls to the other threads, for when they have nothing else to do, and returns; with no
   * other thread it runs them. What it returns settles them and gives their values, as `run` does.
   */
  defer(tasks: readonly KernelTask<All>[]): () => Float64Array;
  /** Whether all that was deferred is done. */
  isSettled(): boolean;
  /** Takes this thread's share of what was deferred and blocks until all of it is done. Throws as `run` does. */
  settle(): void;
  close(): Promise<void>;
};

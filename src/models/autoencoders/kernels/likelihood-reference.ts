import type { LikelihoodKernels } from './likelihood-kernels.js';

/** The reference of the losses of whole rows (likelihood-kernels.ts is the specification). */
export const likelihoodReference = (memory: WebAssembly.Memory): LikelihoodKernels => {
  type Loss = (logits: Float32Array, positives: Uint32Array) => number;
  const overRows =
    (lossOf: Loss): LikelihoodKernels['softmaxLoss'] =>
    (count, columns, rows, offsets, ids, logits) => {
      let loss = 0;
      new Uint32Array(memory.buffer, rows, count).forEach((row, r) => {
        const [start, end] = new Uint32Array(memory.buffer, offsets + 4 * row, 2) as unknown as [number, number];
        const positives = new Uint32Array(memory.buffer, ids + 4 * start, end - start);
        loss += lossOf(new Float32Array(memory.buffer, logits + 4 * r * columns, columns), positives);
      });
      return loss;
    };
  return {
    softmaxLoss: overRows((logits, positives) => {
      const most = logits.reduce((high, x) => Math.max(high, x), Number.NEGATIVE_INFINITY);
      const total = logits.reduce((sum, x) => sum + Math.exp(x - most), 0);
      const loss = positives.reduce((sum, id) => sum + most + Math.log(total) - logits[id]!, 0);
      logits.forEach((x, at) => {
        logits[at] = (positives.length * Math.exp(x - most)) / total;
      });
      for (const id of positives) logits[id]! -= 1;
      return loss;
    }),
    logisticLoss: overRows((logits, positives) => {
      const loss = positives.reduce(
        (sum, id) => sum - logits[id]!,
        logits.reduce((sum, x) => sum + Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), 0),
      );
      logits.forEach((x, at) => {
        logits[at] = 1 / (1 + Math.exp(-x));
      });
      for (const id of positives) logits[id]! -= 1;
      return loss;
    }),
  };
};

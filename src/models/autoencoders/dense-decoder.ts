import { placeForm } from '../../tensor/kernels/gemm-tasks.js';
import type { Pointer } from '../../tensor/memory/arena.js';
import { type AdamSettings, createAdamHyper } from '../../tensor/optimizers/adam-hyper.js';
import type { Engine } from '../port/engine.js';
import type { ModelTensor } from '../port/tensors.js';
import { ADAM_STATE, momentsOf, normal } from './encoder.js';
import { autoencoderReference } from './kernels/autoencoder-kernels.js';

/** A last layer that scores every column, z W + b: the same matrix product as in any framework. W is (width, columns). */
export type DenseDecoder = {
  readonly tensors: readonly ModelTensor[];
  /** (rows, columns), which `decode` fills, and in whose place the caller puts the gradient. */
  readonly logits: Pointer;
  /** logits = z W + b for z (count, width) whose rows are `zRow` elements apart. `out`: another place for them. */
  decode(count: number, z: Pointer, zRow: number, out?: Pointer): void;
  /** dz (count, width), rows `dzRow` apart, += logits · Wᵀ; then Adam on W with zᵀ · logits, and on b, which has no decay. */
  step(count: number, z: Pointer, zRow: number, dz: Pointer, dzRow: number, step: number, settings: AdamSettings): void;
};

type Shape = { readonly rows: number; readonly columns: number; readonly width: number; readonly deviation: number };

export const createDenseDecoder = (engine: Engine, { rows, columns, width, deviation }: Shape): DenseDecoder => {
  const { arena } = engine;
  const kernels = engine.kernels(autoencoderReference);
  const weights = engine.tensor({ name: 'decoder', shape: [width, columns], initial: normal(deviation), state: ADAM_STATE });
  const bias = engine.tensor({ name: 'bias', shape: [columns], state: ADAM_STATE });
  const count = width * columns;
  const [logits, transposed, slope, biasSlope] = [rows * columns, count, count, columns].map(engine.allocate) as [
    number,
    number,
    number,
    number,
  ];
  const [regularized, plain] = [createAdamHyper(arena), createAdamHyper(arena)];
  /** Forms are written once for each distance of rows. */
  const forms = new Map<string, Pointer>();
  const formOf = (aRow: number, aCol: number, bRow: number, cRow: number, accumulate = false): Pointer => {
    const key = [aRow, aCol, bRow, cRow, accumulate].join();
    const found = forms.get(key) ?? placeForm(arena, [aRow, aCol], bRow, cRow, accumulate);
    forms.set(key, found);
    return found;
  };
  return {
    tensors: [weights, bias],
    logits,
    decode: (batch, z, zRow, out = logits) =>
      kernels.gemm(batch, columns, width, z, weights.pointer, out, bias.pointer, formOf(zRow, 1, columns, columns)),
    step: (batch, z, zRow, dz, dzRow, step, settings) => {
      kernels.transpose(width, columns, weights.pointer, transposed, width);
      kernels.gemm(batch, width, columns, logits, transposed, dz, 0, formOf(columns, 1, width, dzRow, true));
      kernels.gemm(width, columns, batch, z, logits, slope, 0, formOf(1, zRow, columns, columns));
      kernels.zero(columns, biasSlope);
      kernels.addRows(batch, columns, logits, biasSlope);
      kernels.adam(count, weights.pointer, ...momentsOf(weights), slope, regularized.write(step, settings));
      kernels.adam(columns, bias.pointer, ...momentsOf(bias), biasSlope, plain.write(step, { ...settings, decay: 0 }));
    },
  };
};

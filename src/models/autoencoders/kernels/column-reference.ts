import { adamReference } from '../../../tensor/kernels/adam-reference.js';
import { readAt } from '../../../tensor/memory/struct.js';
import * as Hyper from '../../../tensor/structs/hyper.js';
import type { ColumnKernels } from './column-kernels.js';
import * as Columns from './structs/columns.js';

type Visit = (column: number, slot: number, input: number, value: number) => void;

/** The reference of the column kernels (column-kernels.ts is the specification). */
export const columnReference = (memory: WebAssembly.Memory): ColumnKernels => {
  const { adam } = adamReference(memory);
  const floats = (pointer: number, count: number) => new Float32Array(memory.buffer, pointer, count);
  const jobAt = (job: number) => {
    const fields = readAt(memory, job, Columns);
    const rowAt = (matrix: number, row: number) => floats(matrix + 4 * row * fields.width, fields.width);
    return { ...fields, rowAt };
  };
  const visitCells = ({ starts, slot, input, value }: ReturnType<typeof jobAt>, column: number, visit: Visit): number => {
    const [start, end] = new Uint32Array(memory.buffer, starts + 4 * column, 2) as unknown as [number, number];
    const [slots, inputs, values] = [new Uint32Array(memory.buffer, slot, end), floats(input, end), floats(value, value === 0 ? 0 : end)];
    for (let cell = start; cell < end; cell++) visit(column, slots[cell]!, inputs[cell]!, values[cell]!);
    return end - start;
  };
  /** Adam on one row with a gradient of float64; without cells there is none. */
  const stepRow = (width: number, at: readonly [number, number, number], gradient: Float64Array, work: number, hyper: number): void => {
    floats(work, width).set(gradient);
    adam(width, ...at, work, hyper);
  };
  /** Adam without decay, on one number. */
  const stepBias = (at: readonly [number, number, number], gradient: number, hyper: number): void => {
    const { scale, rate, epsilon, correction, beta1, beta2 } = Object.fromEntries(
      Object.entries(Hyper).map(([name, field]) => [name, new Float64Array(memory.buffer, hyper, 8)[field]!]),
    ) as Record<keyof typeof Hyper, number>;
    const [w, m, v] = at.map((pointer) => floats(pointer, 1)) as [Float32Array, Float32Array, Float32Array];
    const slope = gradient * scale;
    m[0] = beta1 * m[0]! + (1 - beta1) * slope;
    v[0] = beta2 * v[0]! + (1 - beta2) * slope * slope;
    w[0]! -= (rate * m[0]!) / (Math.sqrt(v[0]!) * correction + epsilon);
  };
  const product = (x: Float32Array, y: Float32Array): number => x.reduce((sum, value, e) => sum + value * y[e]!, 0);
  const add = (scale: number, x: Float32Array, y: Float32Array | Float64Array): void => x.forEach((value, e) => (y[e]! += scale * value));
  const columnsOf = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

  return {
    encodeColumns(pointer, first, count) {
      const job = jobAt(pointer);
      for (const column of columnsOf(first, count))
        visitCells(job, column, (c, slot, input) => add(input, job.rowAt(job.encoder, c), job.rowAt(job.hidden, slot)));
    },

    stepDecoderColumns(pointer, first, count, hyper) {
      const job = jobAt(pointer);
      let loss = 0;
      for (const column of columnsOf(first, count)) {
        const [w, row] = [job.rowAt(job.decoder, column), 4 * column * job.width];
        const gradient = new Float64Array(job.width);
        const start = floats(job.bias + 4 * column, 1)[0]!;
        let sum = 0;
        const cells = visitCells(job, column, (_, slot, _input, value) => {
          const hidden = job.rowAt(job.hidden, slot);
          const error = Math.fround(start + product(w, hidden) - value);
          loss += error * error;
          sum += error;
          add(error, w, job.rowAt(job.slopes, slot));
          add(error, hidden, gradient);
        });
        const at = [job.decoder + row, job.decoderMoment + row, job.decoderVariance + row] as const;
        if (cells > 0) stepRow(job.width, at, gradient, job.work, hyper);
        else adam(job.width, ...at, 0, hyper);
        stepBias([job.bias + 4 * column, job.biasMoment + 4 * column, job.biasVariance + 4 * column], sum, hyper);
      }
      return loss;
    },

    stepEncoderColumns(pointer, first, count, hyper) {
      const job = jobAt(pointer);
      for (const column of columnsOf(first, count)) {
        const [gradient, row] = [new Float64Array(job.width), 4 * column * job.width];
        const cells = visitCells(job, column, (_, slot, input) => add(input, job.rowAt(job.slopes, slot), gradient));
        const at = [job.encoder + row, job.encoderMoment + row, job.encoderVariance + row] as const;
        if (cells > 0) stepRow(job.width, at, gradient, job.work, hyper);
        else adam(job.width, ...at, 0, hyper);
      }
    },
  };
};

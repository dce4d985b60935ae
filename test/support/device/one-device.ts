import { random } from '../../../src/base/random.js';
import { deviceId } from '../../../src/base/units.js';
import { type DeviceContext, transition } from '../../../src/device/actor/actor.js';
import { createMeasure } from '../../../src/device/actor/measure.js';
import type { Message, Model, Purpose, Update, Want } from '../../../src/messages/message.js';
import { decodeTensor, elements, encodeTensor, shapeOf } from '../../../src/messages/wire-tensor.js';
import { algorithmOf, allColumns, MEASURED, WORLD } from './small-world.js';

export const algorithm = algorithmOf();
const { items } = WORLD;
export const DEVICE = deviceId(7);
export const ROUND = 3;

export const contextOf = (changes: Partial<DeviceContext> & { ratings?: number | 'all'; decoys?: number } = {}): DeviceContext => {
  const { ratings = 'all', decoys = 5, ...rest } = changes;
  const batch = { seed: 1, ratings, decoys, items };
  return { algorithm, columns: allColumns(), dtype: 'f32', batch, measure: createMeasure(MEASURED), ...rest };
};

/** Φ_u with random numbers, one list for each tensor, for all items. */
export const numbers = (tensors = algorithm.wire.down): Float32Array[] =>
  tensors.map((spec, index) => {
    const source = random(11, 'phi', index);
    return Float32Array.from({ length: elements(shapeOf(spec, items)) }, () => source.normal());
  });

export const modelOf = (
  context: DeviceContext,
  purpose: Purpose,
  rows: Uint32Array | null,
  all = numbers(context.algorithm.wire.down),
): Model => {
  const tensors = context.algorithm.wire.down.map((spec, index) => {
    const width = elements(spec.shape);
    const values =
      spec.perRow && rows !== null
        ? Float32Array.from([...rows].flatMap((row) => [...all[index]!.subarray(row * width, (row + 1) * width)]))
        : all[index]!;
    return encodeTensor(context.dtype, shapeOf(spec, rows?.length ?? items), [values]);
  });
  return { kind: 'model', round: ROUND, device: DEVICE, purpose, rows, tensors };
};

export const reply = <T extends Message>(context: DeviceContext, message: Message): T => transition(context, message).reply as T;
export const wanted = (context: DeviceContext, purpose: Purpose): Uint32Array =>
  reply<Want>(context, { kind: 'assign', round: ROUND, device: DEVICE, purpose }).rows!;
export const gradientsOf = ({ algorithm: { wire }, dtype }: DeviceContext, update: Update): Float32Array[] =>
  wire.up.map((spec, index) => decodeTensor(update.tensors[index]!, dtype, spec, update.rows.length, 'test'));

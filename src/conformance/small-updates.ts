import { distinct, random } from '../base/random.js';
import { deviceId } from '../base/units.js';
import { elements, type TensorSpec } from '../messages/wire-tensor.js';

/** Tensors with rows of two sizes, and one without. */
export const SMALL_UP: readonly TensorSpec[] = [
  { name: 'rows', perRow: true, shape: [3] },
  { name: 'offsets', perRow: true, shape: [1] },
  { name: 'dense', perRow: false, shape: [2, 2] },
];
export const SMALL_ITEMS = 11;

/** Client updates of so many devices, ascending, with rows of their own and normal values. */
export const smallUpdates = (count: number, seed: number) =>
  Array.from({ length: count }, (_, index) => {
    const source = random(seed, 'updates', index);
    const rows = distinct(1 + source.integer(SMALL_ITEMS), SMALL_ITEMS, source).sort();
    const tensors = SMALL_UP.map(({ perRow, shape }) =>
      Float32Array.from({ length: elements(shape) * (perRow ? rows.length : 1) }, () => source.normal()),
    );
    return { device: deviceId(2 * index + 1), count: 1 + source.integer(9), rows, tensors };
  });

import type { LocalModel } from '../../algorithms/port/client.js';
import { createSpareBuffers } from '../../base/spare-buffers.js';
import { type Bytes, bytes, type DeviceId } from '../../base/units.js';

/** Generated models on the devices of a host, the least recently delivered evicted when they outgrow the host's budget. */
export type ModelStore = {
  readonly get: (device: DeviceId) => LocalModel | undefined;
  readonly put: (device: DeviceId, model: LocalModel) => void;
  /** Memory for a model of so many numbers: that of one that was given up, or fresh. Large models that only a collection freed cost many. */
  readonly room: (count: number) => Float32Array<ArrayBuffer>;
  readonly usage: () => { readonly models: number; readonly bytes: Bytes; readonly evicted: number };
};

const sizeOf = (model: LocalModel): number =>
  (model.rows?.byteLength ?? 0) + model.tensors.reduce((sum, tensor) => sum + tensor.byteLength, 0);

/** Bytes of models that were given up, kept for those that follow them. */
const MOST_SPARE = bytes(8 * 2 ** 20);

/** Models of about one size can follow one another; more would be memory that the budget does not count. */
const SLACK = 1.125;

/** A model, and the bytes that it counts as. */
type Held = { readonly model: LocalModel; readonly size: number };

/** A model larger than the whole budget is not kept at all: it counts as evicted at once. */
export const createModelStore = (budget: Bytes): ModelStore => {
  // A Map iterates in insertion order, which is the order of delivery here.
  const models = new Map<DeviceId, Held>();
  let used = 0;
  let evicted = 0;
  const spares = createSpareBuffers(MOST_SPARE, SLACK);
  const remove = (device: DeviceId, { model, size }: Held): void => {
    models.delete(device);
    used -= size;
    // All tensors of a model lie in one buffer (decodeTensors).
    spares.keep(model.tensors[0]!.buffer as ArrayBuffer);
  };
  return {
    get: (device) => models.get(device)?.model,
    put: (device, model) => {
      const previous = models.get(device);
      if (previous !== undefined) remove(device, previous);
      const size = sizeOf(model);
      if (size > budget) {
        evicted += 1;
        return;
      }
      models.set(device, { model, size });
      used += size;
      for (const [oldest, held] of models) {
        if (used <= budget) break;
        remove(oldest, held);
        evicted += 1;
      }
    },
    room: (count) => new Float32Array(spares.take(4 * count), 0, count),
    usage: () => ({ models: models.size, bytes: bytes(used), evicted }),
  };
};

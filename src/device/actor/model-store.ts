import type { LocalModel } from '../../algorithms/port/client.js';
import { createSpareBuffers } from '../../base/spare-buffers.js';
import { type Bytes, bytes, type DeviceId } from '../../base/units.js';

/** Generated models on the devices of a host. When they outgrow the host's budget, the least recently delivered is evicted. */
export type ModelStore = {
  readonly get: (device: DeviceId) => LocalModel | undefined;
  readonly put: (device: DeviceId, model: LocalModel) => void;
  /** Memory for a model of so many numbers: that of an evicted model, or fresh. If only collections freed large models, there would be many. */
  readonly room: (count: number) => Float32Array<ArrayBuffer>;
  readonly usage: () => { readonly models: number; readonly bytes: Bytes; readonly evicted: number };
};

const sizeOf = (model: LocalModel): number =>
  (model.rows?.byteLength ?? 0) + model.tensors.reduce((sum, tensor) => sum + tensor.byteLength, 0);

/** Bytes of evicted models that are kept for the next ones. */
const MOST_SPARE = bytes(8 * 2 ** 20);

/** A model may use memory that is larger by this factor. The budget does not count the difference. */
const SLACK = 1.125;

/** A model, and the bytes that it counts for. */
type Held = { readonly model: LocalModel; readonly size: number };

/** A model larger than the whole budget is not kept: it counts as evicted at once. */
export const createModelStore = (budget: Bytes): ModelStore => {
  // A Map iterates in insertion order, which here is the order of delivery.
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

import type { LocalModel } from '../algorithms/algorithm.js';
import { type Bytes, bytes, type DeviceId } from '../base/units.js';

/** Generated models on the devices of a host, the least recently delivered evicted when they outgrow the host's budget. */
export type ModelStore = {
  readonly get: (device: DeviceId) => LocalModel | undefined;
  readonly put: (device: DeviceId, model: LocalModel) => void;
  readonly usage: () => { readonly models: number; readonly bytes: Bytes; readonly evicted: number };
};

const sizeOf = (model: LocalModel): number =>
  (model.rows?.byteLength ?? 0) + model.tensors.reduce((sum, tensor) => sum + tensor.byteLength, 0);

/** A model larger than the whole budget is not kept at all: it counts as evicted at once. */
export const createModelStore = (budget: Bytes): ModelStore => {
  // A Map iterates in insertion order, which is the order of delivery here.
  const models = new Map<DeviceId, LocalModel>();
  let used = 0;
  let evicted = 0;
  const remove = (device: DeviceId, model: LocalModel): void => {
    models.delete(device);
    used -= sizeOf(model);
  };
  return {
    get: (device) => models.get(device),
    put: (device, model) => {
      const previous = models.get(device);
      if (previous !== undefined) remove(device, previous);
      if (sizeOf(model) > budget) {
        evicted += 1;
        return;
      }
      models.set(device, model);
      used += sizeOf(model);
      for (const [oldest, held] of models) {
        if (used <= budget) break;
        remove(oldest, held);
        evicted += 1;
      }
    },
    usage: () => ({ models: models.size, bytes: bytes(used), evicted }),
  };
};

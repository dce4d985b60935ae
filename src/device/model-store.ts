import type { LocalModel } from '../algorithms/algorithm.js';
import { type Bytes, bytes, type DeviceId } from '../base/units.js';

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

/** Buffers of models that were given up, for those that follow them. */
const MOST_SPARES = 4;

/** A model larger than the whole budget is not kept at all: it counts as evicted at once. */
export const createModelStore = (budget: Bytes): ModelStore => {
  // A Map iterates in insertion order, which is the order of delivery here.
  const models = new Map<DeviceId, LocalModel>();
  let used = 0;
  let evicted = 0;
  const spares: ArrayBuffer[] = [];
  const remove = (device: DeviceId, model: LocalModel): void => {
    models.delete(device);
    used -= sizeOf(model);
    // All tensors of a model lie in one buffer (decodeTensors).
    spares.push(model.tensors[0]!.buffer as ArrayBuffer);
    if (spares.length > MOST_SPARES) spares.shift();
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
    room: (count) => {
      const fitting = spares.findIndex(({ byteLength }) => byteLength === 4 * count);
      return new Float32Array(fitting < 0 ? new ArrayBuffer(4 * count) : spares.splice(fitting, 1)[0]!);
    },
    usage: () => ({ models: models.size, bytes: bytes(used), evicted }),
  };
};

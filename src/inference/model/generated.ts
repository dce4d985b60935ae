import type { Algorithm } from '../../algorithms/port/algorithm.js';
import type { LocalModel, OwnData } from '../../algorithms/port/client.js';
import { measuredTensors } from '../../algorithms/port/definition.js';
import type { GeneratedModel, ModelRequest, ServerHalf } from '../../algorithms/port/server.js';
import { random } from '../../base/random.js';
import { type DeviceId, deviceId } from '../../base/units.js';
import { type DeviceContext, scoreItems, stateOf } from '../../device/actor/actor.js';
import { ratingsOf } from '../../device/actor/columns.js';
import { decodeTensors, elements, encodeTensor, shapeOf } from '../../messages/wire-tensor.js';
import type { ItemVectors, UserModel, UserTensor } from './recommender.js';

/** Users whose models are prepared at once. */
const COHORT = 64;

/** A run with Θ as its checkpoint has it. */
export type Opened = {
  readonly algorithm: Algorithm;
  readonly server: ServerHalf;
  readonly context: DeviceContext;
  /** After which the checkpoint was taken. */
  readonly round: number;
  readonly items: number;
  readonly seed: number;
};

/** The widest tensor with rows: what an algorithm that says nothing else has for item vectors. */
const widestRows = ({ wire }: Algorithm, { tensors }: LocalModel): ItemVectors | null => {
  const specs = wire.down.map(({ perRow, shape }, index) => ({ width: perRow ? elements(shape) : 0, index }));
  const widest = specs.reduce((best, spec) => (spec.width > best.width ? spec : best), { width: 0, index: 0 });
  return widest.width === 0 ? null : { values: tensors[widest.index]!, width: widest.width };
};

/** What a device is asked with: its context tensors, if the algorithm has any. `as`: the device that the server takes it for. */
const requestOf = ({ algorithm, items, seed, round }: Opened, context: DeviceContext, as: DeviceId, own: DeviceId): ModelRequest => {
  if ((algorithm.wire.context ?? []).length === 0) return { device: as };
  const candidates = Uint32Array.from({ length: items }, (_, item) => item);
  const data: OwnData = { train: ratingsOf(context.columns, 'train', own) };
  const state = stateOf(context, own, round + 1);
  algorithm.entering?.(own);
  const source = random(seed, 'plan', 'evaluate', round, own);
  const plan = algorithm.client().plan(data, { purpose: 'evaluate', round, candidates }, source, state);
  return { device: as, context: plan.context! };
};

/** As the device has it after it was sent. */
const received = ({ algorithm, context: { dtype }, items }: Opened, generated: GeneratedModel, rows: Uint32Array | null): LocalModel => {
  const specs = algorithm.wire.down;
  const count = rows?.length ?? items;
  const sent = specs.map((spec, index) => encodeTensor(dtype, shapeOf(spec, count), generated[index]!));
  return { rows, tensors: decodeTensors(sent, dtype, specs, count, 'generated model') };
};

/** Models of devices of the run (distinct, ascending), with every row or those of some items. */
export const generateFor = function* (opened: Opened, devices: readonly DeviceId[], rows: Uint32Array | null): Generator<LocalModel> {
  const { server, context } = opened;
  for (let first = 0; first < devices.length; first += COHORT) {
    const cohort = devices.slice(first, first + COHORT);
    server.prepare(
      cohort.map((device) => requestOf(opened, context, device, device)),
      null,
    );
    for (let at = 0; at < cohort.length; at += server.chunk) {
      const some = cohort.slice(at, at + server.chunk);
      const models = server.generate(
        at,
        some.map(() => rows),
      )();
      for (const model of models) yield received(opened, model, rows);
    }
  }
};

/** The model of a device that is not one of the run, where every device gets the same, or one that its context decides on. */
export const generateShared = (opened: Opened, on: DeviceContext, device: DeviceId): LocalModel => {
  const { server } = opened;
  server.prepare([requestOf(opened, on, deviceId(0), device)], null);
  return received(opened, server.generate(0, [null])()[0]!, null);
};

/** Whether the server gives every device the same model. It is read off the models of two devices. */
export const isShared = (opened: Opened): boolean => {
  const [first, last] = [deviceId(0), deviceId(opened.context.columns.devices - 1)];
  if (first === last) return true;
  const [one, other] = [...generateFor(opened, [first, last], Uint32Array.of(0))].map(({ tensors }) => tensors);
  return one!.every((values, index) => values.every((value, at) => Object.is(value, other![index]![at])));
};

/** `on`: where the device's ratings and private state are. */
export const userModel = ({ algorithm, round, items }: Opened, device: DeviceId, model: LocalModel, on: DeviceContext): UserModel => ({
  predict: (asked) => {
    algorithm.entering?.(device);
    return scoreItems(on, model, { round, device }, asked);
  },
  vectors: () => {
    const own = algorithm.client().itemVectors?.(model);
    return own === undefined ? widestRows(algorithm, model) : { values: own, width: own.length / items };
  },
  tensors: () => {
    const { down } = algorithm.wire;
    const names = new Set(measuredTensors(algorithm.wire).map(({ name }) => name));
    return down.flatMap((spec, index): UserTensor[] =>
      names.has(spec.name) ? [{ name: spec.name, shape: shapeOf(spec, items), values: model.tensors[index]! }] : [],
    );
  },
});

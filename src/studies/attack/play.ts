import type { ModelRequest } from '../../algorithms/port/server.js';
import { badInput } from '../../base/errors.js';
import { distinct, random } from '../../base/random.js';
import { type DeviceId, deviceId } from '../../base/units.js';
import { type DeviceContext, transition } from '../../device/actor/actor.js';
import { batchOf } from '../../device/actor/batch.js';
import { ratingsOf } from '../../device/actor/columns.js';
import type { Opened } from '../../inference/model/generated.js';
import type { Message } from '../../messages/message.js';
import { decodeTensors, encodeTensor, shapeOf } from '../../messages/wire-tensor.js';
import type { Attacked, Observation } from './observation.js';

/** Devices whose models are prepared at once. */
const COHORT = 64;

export type Round = {
  readonly opened: Opened;
  /** With the run's update steps. */
  readonly context: DeviceContext;
  readonly devices: readonly DeviceId[];
  readonly round: number;
  /** Numbers that server halves announce to update steps. */
  readonly announced: readonly number[];
};

/** Devices that train, by chance, ascending. */
export const drawDevices = (count: number, trained: number, seed: number): readonly DeviceId[] =>
  Array.from(distinct(count, trained, random(seed, 'attack', 'devices')).sort(), deviceId);

const asked = ({ opened: { algorithm }, context, round }: Round, device: DeviceId): ModelRequest => {
  const specs = algorithm.wire.context ?? [];
  if (specs.length === 0) return { device };
  const { reply } = transition(context, { kind: 'assign', round, device, purpose: 'train', full: true });
  if (reply.kind !== 'want') throw badInput('MESSAGE', `device ${device}`, 'want', reply.kind);
  return { device, context: decodeTensors(reply.tensors ?? [], context.dtype, specs, 0, `want of device ${device}`) };
};

/** What the coordinator makes of a device's answer. null: the device takes no part. */
const read = ({ opened: { algorithm }, context }: Round, reply: Message, model: Observation['model']): Observation | null => {
  if (reply.kind !== 'update') return null;
  const { rows, count, loss } = reply;
  const tensors = decodeTensors(reply.tensors, context.dtype, algorithm.wire.up, rows.length, `update of device ${reply.device}`);
  const hides = (context.steps ?? []).some(({ traits }) => traits.hides.includes('counts'));
  return { model, rows, tensors, said: hides ? null : { count, loss } };
};

/**
 * Sends models to devices, and reads the updates that come back. Θ and what devices keep do not change.
 * Each device runs as in a round of the run, with its update steps. A device without training records is left out.
 */
export const playRound = function* (played: Round): Generator<Attacked> {
  const { opened, context, devices, round, announced } = played;
  const { server, algorithm, items } = opened;
  const specs = algorithm.wire.down;
  for (let first = 0; first < devices.length; first += COHORT) {
    const cohort = devices.slice(first, first + COHORT);
    server.prepare(
      cohort.map((device) => asked(played, device)),
      round,
    );
    for (let at = 0; at < cohort.length; at += server.chunk) {
      const some = cohort.slice(at, at + server.chunk);
      const models = server.generate(
        at,
        some.map(() => null),
      )();
      for (const [index, generated] of models.entries()) {
        const device = some[index]!;
        const tensors = specs.map((spec, tensor) => encodeTensor(context.dtype, shapeOf(spec, items), generated[tensor]!));
        const model = { rows: null, tensors: decodeTensors(tensors, context.dtype, specs, items, 'generated model') };
        const sent: Message = { kind: 'model', round, device, purpose: 'train', rows: null, tensors, announced };
        const seen = read(played, transition(context, sent).reply, model);
        const train = ratingsOf(context.columns, 'train', device);
        if (seen !== null) yield { seen, truth: { train, batch: batchOf(train, context.batch, round, device) } };
      }
    }
  }
};

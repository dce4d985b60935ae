import { measuredTensors } from '../../algorithms/port/definition.js';
import { random } from '../../base/random.js';
import { type Bytes, bytes, joules, type Seconds, seconds } from '../../base/units.js';
import type { DeviceCost, DropStage, Resource } from '../../messages/device-cost.js';
import type { Advertise, Assign, Message, Model, RefusalCause, Share, Unmask } from '../../messages/message.js';
import { elements, type TensorSpec } from '../../messages/wire-tensor.js';
import { type DeviceContext, operationsOf, type Transition, transition } from '../actor/actor.js';
import { indexOf, ratingsOf } from '../actor/columns.js';
import { stateSize } from '../actor/private-state.js';
import { delayOf, linkFactorOf } from '../faults/perturbations.js';
import { isAvailable } from './availability.js';
import { type BudgetLevel, type Budgets, firstLevel, keepLevel, levelAt, levelIn } from './budgets.js';
import { type DeviceProfile, type FleetSetup, type Link, localTime, profileOf } from './profile.js';

/**
 * A device with limits: the actor of actor.ts, on hardware that takes time and energy, may refuse, and may fall silent. What a
 * message costs follows from what it really was: its encoded bytes, the operations of its batch, the numbers of its model.
 * Every draw is keyed by (seed, purpose, round, device).
 *
 * An answer's bytes are known only once the whole frame is encoded: `attempt` does the work, `charge` charges for it.
 */
export type Simulation = { readonly setup: FleetSetup; readonly budgets: Budgets };

export type Attempt = {
  readonly message: Assign | Model | Advertise | Share | Unmask;
  /** null: the device fell silent before it had done anything that lasts. */
  readonly done: Transition | null;
  readonly lost: DropStage | null;
  readonly profile: number;
  /** Before the round, and now. */
  readonly before: BudgetLevel;
  readonly now: BudgetLevel;
  readonly bytesDown: Bytes;
  readonly down: Seconds;
  readonly compute: Seconds;
  readonly operations: number;
  readonly needs: Needs;
};

/** Upper bounds of what taking part with a model of so many rows would take. */
type Needs = { readonly memory: number; readonly storage: number; readonly data: number; readonly energy: number };

/** Bytes of a message without its tensors and rows, at most. */
const ENVELOPE = 1024;

/** In tensors of a message with so many rows. */
const numbersIn = (specs: readonly TensorSpec[], rows: number): number =>
  specs.reduce((sum, { perRow, shape }) => sum + elements(shape) * (perRow ? rows : 1), 0);

const needsOf = (context: DeviceContext, { energy }: DeviceProfile, message: Assign | Model, rows: number): Needs => {
  const { columns, algorithm } = context;
  const { device } = message;
  const down = numbersIn(message.purpose === 'train' ? algorithm.wire.down : measuredTensors(algorithm.wire), rows);
  const up = numbersIn(algorithm.wire.up, rows);
  // What the device says of itself goes with its answer to the question.
  const said = message.kind === 'assign' ? numbersIn(algorithm.wire.context ?? [], 0) : 0;
  const rated = (['train', 'valid', 'test'] as const).map((part) => 8 * ratingsOf(columns, part, device).items.length);
  // A number never takes more than 4 bytes on the wire; a row brings its id, and in int8 its scale.
  const [wireDown, wireUp] = [down, up + said].map((numbers) => 4 * numbers + 8 * rows + 2 * ENVELOPE) as [number, number];
  return {
    memory: 4 * (down + up) + rated[0]!,
    storage: rated.reduce((sum, size) => sum + size, 0) + 4 * down + 4 * stateSize(columns.state, indexOf(columns, device)),
    data: wireDown + wireUp,
    energy: energy.perByteReceived * wireDown + energy.perByteSent * wireUp + energy.perOperation * operationsOf(context, message),
  };
};

/** What stands against taking part, if anything. */
const objection = ({ memory, storage, dataPlan, battery }: DeviceProfile, now: BudgetLevel, needs: Needs): RefusalCause | undefined => {
  if (needs.memory > memory) return 'memory';
  if (needs.storage > storage) return 'storage';
  if (now.dataUsed + needs.data > dataPlan.bytes) return 'data plan';
  return now.battery - needs.energy < battery.reserve * battery.capacity ? 'battery' : undefined;
};

const transfer = (
  setup: FleetSetup,
  purpose: string,
  { latency, bandwidth }: Link,
  { round, device, kind }: Message,
  size: number,
): Seconds => {
  const { seed, perturbations } = setup;
  const source = random(seed, purpose, kind, round, device);
  const factor = perturbations === undefined ? 1 : linkFactorOf(perturbations, seed, device);
  const delay = latency.median * Math.exp(latency.sigma * source.normal());
  return seconds(factor * (delay + size / (bandwidth.median * Math.exp(bandwidth.sigma * source.normal()))));
};

/** Does what a message asks for, or falls silent, or refuses. `at`: the virtual time the message was sent. */
export const attempt = (
  context: DeviceContext,
  { setup, budgets }: Simulation,
  message: Attempt['message'],
  at: Seconds,
  bytesDown: Bytes,
): Attempt => {
  const { round, device, kind } = message;
  const index = indexOf(context.columns, device);
  const profile = profileOf(setup, device);
  const kindOfDevice = setup.profiles[profile]!;
  const start = firstLevel(setup, kindOfDevice, device);
  const before = levelIn(budgets, index, round, 'before', start);
  const stored = kind === 'assign' || kind === 'advertise' ? before : levelIn(budgets, index, round, 'within', start);
  const now = levelAt(setup, kindOfDevice, device, stored, at);
  const chance = random(setup.seed, 'dropout', kind, round, device);
  const isThere = (then: number): boolean =>
    isAvailable(setup.availability, setup.seed, device, seconds(then), localTime(setup, device, seconds(then)));
  const down = transfer(setup, 'down', kindOfDevice.down, message, bytesDown);
  const outcome = { message, profile, before, now, bytesDown };
  const nothing = { down: seconds(0), compute: seconds(0), operations: 0, needs: { memory: 0, storage: 0, data: 0, energy: 0 } };

  if (kind === 'assign') {
    if (!isThere(at)) return { ...outcome, ...nothing, done: null, lost: 'unavailable', bytesDown: bytes(0) };
    if (chance.uniform() < setup.dropout.before) return { ...outcome, ...nothing, done: null, lost: 'before', bytesDown: bytes(0) };
    const done = transition(context, message);
    const rows = done.reply.kind === 'want' ? (done.reply.rows?.length ?? context.batch.items) : 0;
    const needs = needsOf(context, kindOfDevice, message, rows);
    const reason = objection(kindOfDevice, now, needs);
    const reply = reason === undefined ? done.reply : ({ kind: 'refuse', round, device, reason } as const);
    return { ...outcome, ...nothing, down, needs, done: { reply }, lost: null };
  }

  if (kind !== 'model') {
    // Of a secure sum: only bytes count, and a device may fall silent before it answers.
    const isLost = chance.uniform() < (kind === 'advertise' ? setup.dropout.before : setup.dropout.after) || !isThere(at + down);
    if (isLost) return { ...outcome, ...nothing, down, done: null, lost: kind === 'advertise' ? 'before' : 'after' };
    return { ...outcome, ...nothing, down, done: transition(context, message), lost: null };
  }

  const needs = needsOf(context, kindOfDevice, message, message.rows?.length ?? context.batch.items);
  const operations = operationsOf(context, message);
  const compute = seconds(operations / kindOfDevice.computeRate);
  if (chance.uniform() < setup.dropout.during || !isThere(at + down + compute)) {
    const share = chance.uniform();
    const partly = { operations: share * operations, compute: seconds(share * compute) };
    return { ...outcome, needs, down, ...partly, done: null, lost: 'during' };
  }
  const lost = chance.uniform() < setup.dropout.after ? 'after' : null;
  return { ...outcome, needs, down, operations, compute, done: transition(context, message), lost };
};

/** Charges a device's budgets for an attempt whose answer took `bytesUp` (0: none was sent), and says what it cost. */
export const charge = (context: DeviceContext, { setup, budgets }: Simulation, attempted: Attempt, bytesUp: Bytes): DeviceCost => {
  const { message, lost, profile, before, now, bytesDown, down, compute, operations, needs } = attempted;
  const { round, device } = message;
  const kindOfDevice = setup.profiles[profile]!;
  const { energy: per, battery, dataPlan } = kindOfDevice;
  const isUpdate = message.kind === 'model' && message.purpose === 'train';
  const delay = isUpdate && setup.perturbations !== undefined ? delayOf(setup.perturbations, setup.seed, round, device) : 0;
  const up = bytesUp === 0 ? seconds(0) : seconds(delay + transfer(setup, 'up', kindOfDevice.up, message, bytesUp));
  const energy = joules(bytesDown * per.perByteReceived + bytesUp * per.perByteSent + operations * per.perOperation);
  const after: BudgetLevel = {
    battery: joules(Math.max(0, now.battery - energy)),
    // A device without data left can still be asked: the operator of its network gives that much away.
    dataUsed: Math.min(dataPlan.bytes, now.dataUsed + bytesDown + bytesUp),
    at: now.at,
  };
  keepLevel(budgets, indexOf(context.columns, device), round, before, after);
  const span = down + compute + up;
  const used: Record<Resource, number> = {
    memory: needs.memory / kindOfDevice.memory,
    storage: needs.storage / kindOfDevice.storage,
    dataPlan: after.dataUsed / dataPlan.bytes,
    battery: 1 - after.battery / battery.capacity,
    compute: span === 0 ? 0 : compute / span,
  };
  return { device, profile, lost, down, compute, up, bytesDown, bytesUp, operations, energy, used };
};

import type { Algorithm } from '../../algorithms/port/algorithm.js';
import type { Interactions, LocalModel, LocalUpdate, OwnData, Plan, Task } from '../../algorithms/port/client.js';
import { lowerBound } from '../../algorithms/port/rows.js';
import { badInput } from '../../base/errors.js';
import { random } from '../../base/random.js';
import type { DeviceId } from '../../base/units.js';
import type { Assign, Message, Model, PartScore, Update } from '../../messages/message.js';
import { type Dtype, decodeTensors, elements, encodeTensor, shapeOf, type TensorSpec } from '../../messages/wire-tensor.js';
import { type BatchOptions, batchOf, withDecoys } from './batch.js';
import { type HeldOutPart, indexOf, type PrivateColumns, ratingsOf } from './columns.js';
import { stateBefore } from './private-state.js';

/**
 * The device actor: (what it holds, a message) → (the model it now holds, its answer). Pure: threads, sockets and the store
 * of models are the host's. Ratings enter here and leave only inside client updates and error sums.
 */
export type DeviceContext = {
  readonly algorithm: Pick<Algorithm, 'wire' | 'client' | 'entering'>;
  readonly columns: PrivateColumns;
  readonly dtype: Dtype;
  readonly batch: BatchOptions;
  /** Where a received model is to lie; default: fresh memory. */
  readonly room?: (count: number) => Float32Array<ArrayBuffer>;
};

export type Transition = {
  readonly model?: LocalModel;
  /** Private state before and after the round, for the device's own storage. */
  readonly state?: { readonly before: Float32Array; readonly after: Float32Array };
  readonly reply: Message;
};

/** A device's state as it was before `round`. */
const stateOf = ({ columns, algorithm, batch: { seed } }: DeviceContext, device: DeviceId, round: number): Float32Array =>
  stateBefore(columns.state, algorithm.client().state, indexOf(columns, device), device, round, seed);

const joined = (some: Uint32Array, others: Uint32Array): Uint32Array => {
  const all = new Uint32Array(some.length + others.length);
  all.set(some);
  all.set(others, some.length);
  return all;
};

type Addressed = Pick<Model, 'round' | 'device'>;

/** What a message asks of the device: the algorithm's plan, and what the plan was made from. */
type Planned = { readonly own: OwnData; readonly state: Float32Array; readonly plan: Plan<unknown>; readonly batch: Interactions };

const NONE: Interactions = { items: new Uint32Array(0), values: new Float32Array(0) };

/** The items that a device is measured on. */
const heldOutItems = ({ columns }: DeviceContext, { device }: Addressed): Uint32Array =>
  joined(ratingsOf(columns, 'valid', device).items, ratingsOf(columns, 'test', device).items);

const planFor = (context: DeviceContext, own: OwnData, task: Task, device: DeviceId, state: Float32Array): Plan<unknown> =>
  context.algorithm.client().plan(own, task, random(context.batch.seed, 'plan', task.purpose, task.round, device), state);

const planTraining = (context: DeviceContext, { round, device }: Addressed): Planned => {
  const own = { train: ratingsOf(context.columns, 'train', device) };
  const batch = batchOf(own.train, context.batch, round, device);
  const state = stateOf(context, device, round);
  return { own, state, batch, plan: planFor(context, own, { purpose: 'train', round, batch }, device, state) };
};

/** Measurements come after the step of their round. */
const planScores = (context: DeviceContext, { round, device }: Addressed, candidates: Uint32Array): Planned => {
  const own = { train: ratingsOf(context.columns, 'train', device) };
  const state = stateOf(context, device, round + 1);
  return { own, state, batch: NONE, plan: planFor(context, own, { purpose: 'evaluate', round, candidates }, device, state) };
};

/** Floating-point operations that the device's part of a round takes. */
export const operationsOf = (context: DeviceContext, message: Addressed): number => {
  const { operations } = context.algorithm.client();
  return operations === undefined ? 0 : operations(planTraining(context, message).plan.work);
};

const want = (context: DeviceContext, message: Assign): Transition => {
  const { algorithm, dtype, batch } = context;
  const { round, device, purpose, full } = message;
  const { plan } = purpose === 'train' ? planTraining(context, message) : planScores(context, message, heldOutItems(context, message));
  const rows = full === true || plan.rows === null ? null : withDecoys(plan.rows, batch, purpose, round, device);
  const specs = algorithm.wire.context ?? [];
  const tensors = specs.map((spec, index) => encodeTensor(dtype, spec.shape, [plan.context![index]!]));
  return { reply: { kind: 'want', round, device, purpose, rows, ...(tensors.length > 0 && { tensors }) } };
};

/** No error names an item: the one that is missing is one that the user rated. */
const checkRows = (rows: Uint32Array, needed: Uint32Array | readonly number[], place: string): void => {
  for (const item of needed) {
    if (rows[lowerBound(rows, item)] !== item) throw badInput('MESSAGE', place, 'all rows it asked for', 'fewer of them');
  }
};

/** The model, with the rows that are needed among its own. */
const receive = (context: DeviceContext, message: Model, needed: Plan<unknown>['rows']): LocalModel => {
  const { algorithm, dtype, batch, room } = context;
  const { device, rows, tensors: encoded } = message;
  const place = `model for device ${device}`;
  const last = rows?.at(-1);
  if (last !== undefined && last >= batch.items) throw badInput('MESSAGE', place, `items below ${batch.items}`, String(last));
  if (rows !== null && needed === null) throw badInput('MESSAGE', place, 'a row for every item', String(rows.length));
  if (rows !== null && needed !== null) checkRows(rows, needed, place);
  const count = rows?.length ?? batch.items;
  return { rows, tensors: decodeTensors(encoded, dtype, algorithm.wire.down, count, place, room) };
};

/** Spreads the rows of an update among decoys, which are zero. */
const hideRows = (update: LocalUpdate, rows: Uint32Array, up: readonly TensorSpec[]): LocalUpdate => {
  if (rows.length === update.rows.length) return update;
  const position = new Map(Array.from(rows, (row, index) => [row, index]));
  const spread = update.tensors.map((values, index) => {
    const { perRow, shape } = up[index]!;
    if (!perRow) return values;
    const width = elements(shape);
    const out = new Float32Array(rows.length * width);
    update.rows.forEach((row, from) => out.set(values.subarray(from * width, (from + 1) * width), position.get(row)! * width));
    return out;
  });
  return { ...update, rows, tensors: spread };
};

const train = (context: DeviceContext, message: Model): Transition => {
  const { batch: options, algorithm, dtype } = context;
  const { round, device } = message;
  const { own, state: before, plan, batch } = planTraining(context, message);
  const model = receive(context, message, plan.rows);
  if (batch.items.length === 0) return { model, reply: { kind: 'refuse', round, device, reason: 'no ratings' } };
  const { up } = algorithm.wire;
  const local = algorithm.client().update(model, own, plan.work, random(options.seed, 'update', round, device), before);
  const { count, loss, rows, tensors: values, state } = hideRows(local, withDecoys(local.rows, options, 'train', round, device), up);
  if (!Number.isFinite(loss))
    throw badInput('MESSAGE', `model for device ${device}`, 'finite predictions', 'others: training has diverged');
  const encoded = up.map((spec, index) => encodeTensor(dtype, shapeOf(spec, rows.length), [values[index]!]));
  const reply: Update = { kind: 'update', round, device, count, loss, rows, tensors: encoded };
  return { model, reply, ...(state === undefined ? {} : { state: { before, after: state } }) };
};

/** Scores of items by a model that the device holds. */
export const scoreItems = (context: DeviceContext, model: LocalModel, device: Addressed, items: Uint32Array): Float32Array => {
  const { own, state, plan } = planScores(context, device, items);
  return context.algorithm.client().score(model, own, plan.work, state);
};

const scorePart = (context: DeviceContext, model: LocalModel, message: Model, part: HeldOutPart): PartScore => {
  const { items, values } = ratingsOf(context.columns, part, message.device);
  const predictions = scoreItems(context, model, message, items);
  let absolute = 0;
  let squared = 0;
  for (let i = 0; i < values.length; i++) {
    const error = predictions[i]! - values[i]!;
    absolute += Math.abs(error);
    squared += error * error;
  }
  return { count: values.length, absolute, squared };
};

const measure = (context: DeviceContext, message: Model): Transition => {
  const { round, device } = message;
  const { plan } = planScores(context, message, heldOutItems(context, message));
  const model = receive(context, message, plan.rows);
  const score = (part: HeldOutPart) => scorePart(context, model, message, part);
  return { model, reply: { kind: 'score', round, device, valid: score('valid'), test: score('test') } };
};

/** Every message down has one answer. Throws MESSAGE for a message that no coordinator sends, or a model of the wrong form. */
export const transition = (context: DeviceContext, message: Message): Transition => {
  context.algorithm.entering?.(message.device);
  switch (message.kind) {
    case 'assign':
      return want(context, message);
    case 'model':
      return message.purpose === 'train' ? train(context, message) : measure(context, message);
    case 'want':
    case 'update':
    case 'score':
    case 'refuse':
      throw badInput('MESSAGE', `device ${message.device}`, 'assign or model', message.kind);
  }
};

import type { Algorithm } from '../../algorithms/port/algorithm.js';
import type { Interactions, LocalModel, LocalUpdate, OwnData, Plan, Task } from '../../algorithms/port/client.js';
import { measuredTensors } from '../../algorithms/port/definition.js';
import { lowerBound } from '../../algorithms/port/rows.js';
import { badInput } from '../../base/errors.js';
import { random } from '../../base/random.js';
import type { DeviceId } from '../../base/units.js';
import type { Assign, Message, Model, Update } from '../../messages/message.js';
import type { Dtype } from '../../messages/tensor-form.js';
import { decodeTensors, elements, encodeTensor, shapeOf, type TensorSpec } from '../../messages/wire-tensor.js';
import { applySteps, type BoundStep } from '../../updates/device-steps.js';
import { encodeUpdate, encodingOf } from '../../updates/encoding.js';
import type { SecureDevices } from '../secure/secure-device.js';
import { type BatchOptions, batchOf, withDecoys } from './batch.js';
import { indexOf, ownDataOf, type PrivateColumns, ratingsOf } from './columns.js';
import type { Measure, UserRatings } from './measure.js';
import { stateBefore } from './private-state.js';
import { joinedState, ownPart, stateSpecOf, stepParts } from './step-state.js';

/**
 * The device actor: (state and message) → (the model that it now holds, its answer). It is pure.
 * Threads, sockets and the store of models belong to the host. Ratings leave it only inside client updates and error sums.
 */
export type DeviceContext = {
  readonly algorithm: Pick<Algorithm, 'wire' | 'client' | 'entering'>;
  readonly columns: PrivateColumns;
  readonly dtype: Dtype;
  readonly batch: BatchOptions;
  readonly measure: Measure;
  /** The update steps before a client update is sent. Default: none. */
  readonly steps?: readonly BoundStep[];
  /** Where updates are summed under masks. */
  readonly secure?: SecureSending;
  /** Memory for a received model. Default: fresh memory. */
  readonly room?: (count: number) => Float32Array<ArrayBuffer>;
};

/** `weighting`: what a device multiplies its update by. */
export type SecureSending = { readonly devices: SecureDevices; readonly weighting: 'records' | 'uniform' };

export type Transition = {
  readonly model?: LocalModel;
  /** Private state before and after the round, for the device's own storage. */
  readonly state?: { readonly before: Float32Array; readonly after: Float32Array };
  readonly reply: Message;
};

const NO_STEPS: readonly BoundStep[] = [];

/** What a device keeps, as it was before `round`: for the algorithm, and then for each update step. */
const wholeState = (context: DeviceContext, device: DeviceId, round: number): Float32Array => {
  const { columns, algorithm, batch, steps = NO_STEPS } = context;
  const { train } = columns;
  const index = indexOf(columns, device);
  const records = train.offsets[index + 1]! - train.offsets[index]!;
  const spec = stateSpecOf(algorithm.client().state, steps, records);
  return stateBefore(columns.state, spec, index, device, round, batch.seed);
};

/** The algorithm's part of it. */
export const stateOf = (context: DeviceContext, device: DeviceId, round: number): Float32Array =>
  ownPart(wholeState(context, device, round), context.steps ?? NO_STEPS, ratingsOf(context.columns, 'train', device).items.length);

type Addressed = Pick<Model, 'round' | 'device'>;

/** The algorithm's plan for a message, and the data that the plan was made from. */
type Planned = { readonly own: OwnData; readonly state: Float32Array; readonly plan: Plan<unknown>; readonly batch: Interactions };

const NONE: Interactions = { items: new Uint32Array(0), values: new Float32Array(0) };

const userRatings = ({ columns }: DeviceContext, { device }: Addressed): UserRatings => ({
  train: ratingsOf(columns, 'train', device),
  valid: ratingsOf(columns, 'valid', device),
  test: ratingsOf(columns, 'test', device),
  user: device,
});

/** Created once for each number of items. */
let everyItem = new Uint32Array(0);
const allItems = (items: number): Uint32Array => {
  if (everyItem.length !== items) everyItem = Uint32Array.from({ length: items }, (_, item) => item);
  return everyItem;
};

const planFor = (context: DeviceContext, own: OwnData, task: Task, device: DeviceId, state: Float32Array): Plan<unknown> =>
  context.algorithm.client().plan(own, task, random(context.batch.seed, 'plan', task.purpose, task.round, device), state);

const planTraining = (context: DeviceContext, { round, device }: Addressed): Planned => {
  const own = ownDataOf(context.columns, device);
  const batch = batchOf(own.train, context.batch, round, device);
  const state = stateOf(context, device, round);
  return { own, state, batch, plan: planFor(context, own, { purpose: 'train', round, batch }, device, state) };
};

/** Measurements come after the step of their round. */
const planScores = (context: DeviceContext, { round, device }: Addressed, candidates: Uint32Array): Planned => {
  const own = ownDataOf(context.columns, device);
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
  const items = purpose === 'train' ? null : context.measure.items(userRatings(context, message));
  const { plan } = purpose === 'train' ? planTraining(context, message) : planScores(context, message, items ?? allItems(batch.items));
  const takesAll = full === true || plan.rows === null || (purpose === 'evaluate' && items === null);
  const rows = takesAll ? null : withDecoys(plan.rows ?? [], batch, purpose, round, device);
  const specs = algorithm.wire.context ?? [];
  const tensors = specs.map((spec, index) => encodeTensor(dtype, spec.shape, [plan.context![index]!]));
  return { reply: { kind: 'want', round, device, purpose, rows, ...(tensors.length > 0 && { tensors }) } };
};

/** No error names an item: a missing one is one that the user rated. */
const checkRows = (rows: Uint32Array, needed: Uint32Array | readonly number[], place: string): void => {
  for (const item of needed) {
    if (rows[lowerBound(rows, item)] !== item) throw badInput('MESSAGE', place, 'all rows it asked for', 'fewer of them');
  }
};

/** Decodes the model, and checks that it has the needed rows. */
const receive = (context: DeviceContext, message: Model, needed: Plan<unknown>['rows']): LocalModel => {
  const { algorithm, dtype, batch, room } = context;
  const { device, purpose, rows, tensors: encoded } = message;
  const specs = purpose === 'train' ? algorithm.wire.down : measuredTensors(algorithm.wire);
  const place = `model for device ${device}`;
  const last = rows?.at(-1);
  if (last !== undefined && last >= batch.items) throw badInput('MESSAGE', place, `items below ${batch.items}`, String(last));
  if (rows !== null && needed === null) throw badInput('MESSAGE', place, 'a row for every item', String(rows.length));
  if (rows !== null && needed !== null) checkRows(rows, needed, place);
  const count = rows?.length ?? batch.items;
  return { rows, tensors: decodeTensors(encoded, dtype, specs, count, place, room) };
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
  const { batch: options, algorithm, dtype, steps = NO_STEPS } = context;
  const { round, device } = message;
  const { own, state: before, plan, batch } = planTraining(context, message);
  const model = receive(context, message, plan.rows);
  if (batch.items.length === 0) return { model, reply: { kind: 'refuse', round, device, reason: 'no ratings' } };
  const { up } = algorithm.wire;
  const local = algorithm.client().update(model, own, plan.work, random(options.seed, 'update', round, device), before);
  const hidden = hideRows(local, withDecoys(local.rows, options, 'train', round, device), up);
  const { loss, rows, state } = hidden;
  if (!Number.isFinite(loss))
    throw badInput('MESSAGE', `model for device ${device}`, 'finite predictions', 'others: training has diverged');
  if (steps.length === 0) {
    const tensors = up.map((spec, index) => encodeTensor(dtype, shapeOf(spec, rows.length), [hidden.tensors[index]!]));
    const reply: Update = { kind: 'update', round, device, count: hidden.count, loss, rows, tensors };
    return { model, reply, ...(state === undefined ? {} : { state: { before, after: state } }) };
  }
  // After the decoys are there, so that what is added to rows is added to theirs, too.
  const records = own.train.items.length;
  const whole = wholeState(context, device, round);
  const inputs = { seed: options.seed, round, device, states: stepParts(whole, steps, records), announced: message.announced ?? [] };
  const { update, marks, states, grids } = applySteps(steps, hidden, inputs);
  const encoding = encodingOf(steps);
  const hidesCounts = steps.some(({ traits }) => traits.hides.includes('counts'));
  const said = hidesCounts ? { count: 1, loss: 0 } : { count: update.count, loss };
  const reply: Update = {
    kind: 'update',
    round,
    device,
    ...said,
    rows,
    ...(encoding.sparse && { packed: true }),
    tensors: encodeUpdate(update.tensors, up, rows.length, { sparse: encoding.sparse, dtype: encoding.dtype ?? dtype }, grids),
    ...(marks.length > 0 && { marks }),
  };
  const after = joinedState(state ?? before, states);
  const kept = after.length === 0 ? {} : { state: { before: whole, after } };
  if (context.secure !== undefined) {
    const weight = context.secure.weighting === 'records' ? said.count : 1;
    return { model, reply: context.secure.devices.mask(message, { ...update, ...said, weight, marks }), ...kept };
  }
  return { model, reply, ...kept };
};

/** The tensors of a held model that `score` takes: those that are not for training only. */
const measuredModel = ({ algorithm: { wire } }: DeviceContext, model: LocalModel): LocalModel =>
  model.tensors.length === measuredTensors(wire).length
    ? model
    : { ...model, tensors: model.tensors.filter((_, index) => wire.down[index]!.trainingOnly !== true) };

/** Scores of items from a model that the device holds. */
export const scoreItems = (context: DeviceContext, model: LocalModel, device: Addressed, items: Uint32Array): Float32Array => {
  const { own, state, plan } = planScores(context, device, items);
  return context.algorithm.client().score(measuredModel(context, model), own, plan.work, state);
};

const measure = (context: DeviceContext, message: Model): Transition => {
  const { round, device } = message;
  const ratings = userRatings(context, message);
  const items = context.measure.items(ratings);
  const needed = items === null ? null : planScores(context, message, items).plan.rows;
  const model = receive(context, message, needed);
  const score = context.measure.score(ratings, (candidates) => scoreItems(context, model, message, candidates));
  return { model, reply: { kind: 'score', round, device, ...score } };
};

/** Every message down has one answer. Throws MESSAGE for a message that no coordinator sends, or a model of the wrong form. */
export const transition = (context: DeviceContext, message: Message): Transition => {
  context.algorithm.entering?.(message.device);
  switch (message.kind) {
    case 'assign':
      return want(context, message);
    case 'model':
      return message.purpose === 'train' ? train(context, message) : measure(context, message);
    case 'advertise':
    case 'share':
    case 'unmask':
      if (context.secure === undefined) throw badInput('MESSAGE', `device ${message.device}`, 'assign or model', message.kind);
      return { reply: context.secure.devices.answer(message) };
    case 'want':
    case 'update':
    case 'score':
    case 'refuse':
    case 'keys':
    case 'shares':
    case 'masked':
    case 'reveal':
      throw badInput('MESSAGE', `device ${message.device}`, 'assign or model', message.kind);
  }
};

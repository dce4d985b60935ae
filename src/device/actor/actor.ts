import type { DeviceHalf, LocalModel, LocalRatings, LocalUpdate } from '../../algorithms/port/algorithm.js';
import { lowerBound } from '../../algorithms/port/rows.js';
import { badInput } from '../../base/errors.js';
import { random } from '../../base/random.js';
import type { DeviceId } from '../../base/units.js';
import type { Assign, Message, Model, Update } from '../../messages/message.js';
import { type Dtype, decodeTensors, elements, encodeTensor, shapeOf, type TensorSpec } from '../../messages/wire-tensor.js';
import { type BatchOptions, batchOf, withDecoys } from './batch.js';
import { indexOf, type PrivateColumns, ratingsOf } from './columns.js';
import type { Measure, UserRatings } from './measure.js';
import { stateBefore } from './private-state.js';

/**
 * The device actor: (what she holds, a message) → (the model she now holds, her answer). Pure: threads, sockets and the store
 * of models are the host's. Ratings enter here and leave only inside gradients and error sums.
 */
export type DeviceContext = {
  readonly half: DeviceHalf;
  readonly tensors: readonly TensorSpec[];
  readonly columns: PrivateColumns;
  readonly dtype: Dtype;
  readonly batch: BatchOptions;
  readonly measure: Measure;
  /** Where a received model is to lie; default: fresh memory. */
  readonly room?: (count: number) => Float32Array<ArrayBuffer>;
};

export type Transition = {
  readonly model?: LocalModel;
  /** Private state before and after the round, for the device's own storage. */
  readonly state?: { readonly before: Float32Array; readonly after: Float32Array };
  readonly reply: Message;
};

const stateOf = ({ columns, half, batch: { seed } }: DeviceContext, device: DeviceId, round: number): Float32Array =>
  stateBefore(columns.state, half.privateState, indexOf(columns, device), device, round, seed);

/** What a device learns from in a round. */
const trainingBatch = ({ columns, batch }: DeviceContext, { round, device }: Assign | Model): LocalRatings =>
  batchOf(ratingsOf(columns, 'train', device), batch, round, device);

const userRatings = ({ columns }: DeviceContext, { device }: Assign | Model): UserRatings => ({
  train: ratingsOf(columns, 'train', device),
  valid: ratingsOf(columns, 'valid', device),
  test: ratingsOf(columns, 'test', device),
  user: device,
});

const want = (context: DeviceContext, message: Assign): Transition => {
  const { round, device, purpose, full } = message;
  const needed = () => (purpose === 'train' ? trainingBatch(context, message).items : context.measure.items(userRatings(context, message)));
  const items = full === true ? null : needed();
  const rows = items === null ? null : withDecoys(items, context.batch, purpose, round, device);
  return { reply: { kind: 'want', round, device, purpose, rows } };
};

/** No error names an item: which one is missing is one she rated. */
const checkRows = (rows: Uint32Array, needed: Uint32Array, place: string): void => {
  for (const item of needed) {
    if (rows[lowerBound(rows, item)] !== item) throw badInput('MESSAGE', place, 'all rows it asked for', 'fewer of them');
  }
};

/** The model, with the rows of the items that are needed among its own. */
const receive = (context: DeviceContext, message: Model, needed: Uint32Array): LocalModel => {
  const { tensors, dtype, batch, room } = context;
  const { device, rows, tensors: encoded } = message;
  const place = `model for device ${device}`;
  const last = rows?.at(-1);
  if (last !== undefined && last >= batch.items) throw badInput('MESSAGE', place, `items below ${batch.items}`, String(last));
  if (rows !== null) checkRows(rows, needed, place);
  const count = rows?.length ?? batch.items;
  return { rows, tensors: decodeTensors(encoded, dtype, tensors, count, place, room) };
};

/** Spreads the rows of an update among decoys, whose gradient is zero. */
const hideRows = (update: LocalUpdate, rows: Uint32Array, tensors: readonly TensorSpec[]): LocalUpdate => {
  if (rows.length === update.rows.length) return update;
  const position = new Map(Array.from(rows, (row, index) => [row, index]));
  const spread = update.tensors.map((values, index) => {
    const { perRow, shape } = tensors[index]!;
    if (!perRow) return values;
    const width = elements(shape);
    const out = new Float32Array(rows.length * width);
    update.rows.forEach((row, from) => out.set(values.subarray(from * width, (from + 1) * width), position.get(row)! * width));
    return out;
  });
  return { ...update, rows, tensors: spread };
};

const train = (context: DeviceContext, message: Model): Transition => {
  const { columns, batch: options, half, tensors, dtype } = context;
  const { round, device } = message;
  const batch = trainingBatch(context, message);
  const model = receive(context, message, batch.items);
  if (batch.items.length === 0) return { model, reply: { kind: 'refuse', round, device, reason: 'no ratings' } };
  const before = stateOf(context, device, round);
  const local = half.update(model, ratingsOf(columns, 'train', device), batch, random(options.seed, 'update', round, device), before);
  const { count, loss, rows, tensors: values, state } = hideRows(local, withDecoys(local.rows, options, 'train', round, device), tensors);
  if (!Number.isFinite(loss))
    throw badInput('MESSAGE', `model for device ${device}`, 'finite predictions', 'others: training has diverged');
  const encoded = tensors.map((spec, index) => encodeTensor(dtype, shapeOf(spec, rows.length), [values[index]!]));
  const reply: Update = { kind: 'update', round, device, count, loss, rows, tensors: encoded };
  return { model, reply, ...(state === undefined ? {} : { state: { before, after: state } }) };
};

const measure = (context: DeviceContext, message: Model): Transition => {
  const { round, device } = message;
  const { half, measure: by } = context;
  const ratings = userRatings(context, message);
  const needed = by.items(ratings);
  if (needed === null && message.rows !== null) throw badInput('MESSAGE', `model for device ${device}`, 'every row', 'some of them');
  const model = receive(context, message, needed ?? new Uint32Array(0));
  const state = stateOf(context, device, round + 1);
  const score = by.score(ratings, (items) => half.predict(model, ratings.train, items, state));
  return { model, reply: { kind: 'score', round, device, ...score } };
};

/** Every message down has one answer. Throws MESSAGE for a message that no coordinator sends, or a model of the wrong form. */
export const transition = (context: DeviceContext, message: Message): Transition => {
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

import type { Algorithm, GeneratedModel, Rows, ServerHalf } from '../algorithms/algorithm.js';
import { badInput } from '../base/errors.js';
import { type DeviceId, type Seconds, seconds } from '../base/units.js';
import type { Assign, Message, Model, Purpose, Refuse, Want } from '../messages/message.js';
import { type Dtype, encodeTensor, shapeOf } from '../messages/wire-tensor.js';
import type { Exchange, Rejection } from './devices.js';
import type { RejectionCause } from './events.js';
import type { Delivery } from './settings.js';
import { secondsOf, type Trip, tripsOf } from './trip.js';

/** Models to a cohort, and what comes back. */
export type DeliveryContext = {
  readonly algorithm: Algorithm;
  readonly server: ServerHalf;
  readonly items: number;
  readonly dtype: Dtype;
};

export type Errand = {
  readonly round: number;
  readonly purpose: Purpose;
  readonly delivery: Delivery;
  readonly cohort: readonly DeviceId[];
  /** Virtual time at which the devices are asked; absent where they take none. */
  readonly at?: Seconds;
};

const encodeModel = (
  { algorithm, dtype, items }: DeliveryContext,
  errand: Errand,
  device: DeviceId,
  rows: Rows,
  model: GeneratedModel,
): Model => {
  const { round, purpose } = errand;
  const count = rows?.length ?? items;
  const tensors = algorithm.tensors.map((spec, index) => encodeTensor(dtype, shapeOf(spec, count), model[index]!));
  return { kind: 'model', round, device, purpose, rows, tensors };
};

type Asked = {
  readonly rowsOf: ReadonlyMap<DeviceId, Rows>;
  readonly refusals: readonly Refuse[];
  readonly rejected: readonly Rejection[];
  readonly duplicates: number;
  readonly trips: ReadonlyMap<DeviceId, Trip>;
};

const rejection = (message: Message, cause: RejectionCause, place: string, expected: string, found: string): Rejection => ({
  device: message.device,
  cause,
  text: badInput('MESSAGE', place, expected, found).message,
});

/** Any other kind of message than was due. */
const outOfTurn = (message: Message, expected: string): Rejection =>
  rejection(message, 'kind', `answer of device ${message.device}`, expected, message.kind);

const judgeWant = (want: Want, items: number, full: boolean): Rejection | undefined => {
  const place = `rows wanted by device ${want.device}`;
  if ((want.rows === null) !== full) return rejection(want, 'rows', place, full ? 'none named' : 'a list', full ? 'a list' : 'none');
  const last = want.rows?.at(-1);
  return last === undefined || last < items ? undefined : rejection(want, 'rows', place, `items below ${items}`, String(last));
};

/**
 * Asks each device for its rows in `subset` delivery, and in either whether it takes part at all where devices have limits. A
 * device that refuses, answers wrongly or falls silent is left out.
 */
const askForRows = async (context: DeliveryContext, errand: Errand, exchange: Exchange): Promise<Asked> => {
  const { round, purpose, delivery, cohort, at } = errand;
  const full = delivery === 'full';
  if (full && at === undefined)
    return { rowsOf: new Map(cohort.map((device) => [device, null])), refusals: [], rejected: [], duplicates: 0, trips: new Map() };
  const assigns = cohort.map((device): Assign => ({ kind: 'assign', round, device, purpose, ...(full ? { full } : {}) }));
  exchange.send(assigns, at === undefined ? undefined : cohort.map(() => at));
  const { messages, accounts, ...answers } = await exchange.answers();
  const rejected = [...answers.rejected];
  const rowsOf = new Map<DeviceId, Rows>();
  for (const message of messages) {
    if (message.kind === 'refuse') continue;
    const fault = message.kind === 'want' ? judgeWant(message, context.items, full) : outOfTurn(message, 'want or refuse');
    if (fault !== undefined) rejected.push(fault);
    else if (message.kind === 'want') rowsOf.set(message.device, message.rows);
  }
  const refusals = messages.filter((message) => message.kind === 'refuse');
  return { rowsOf, refusals, rejected, duplicates: answers.duplicates, trips: tripsOf(accounts, new Map()) };
};

/** Rows a chunk may hold, so that generated models stay within the server's memory in either delivery. */
const nextChunk = ({ server, items }: DeliveryContext, wanted: readonly (readonly [DeviceId, Rows])[], first: number): number => {
  const most = server.chunk * items;
  let rows = 0;
  let end = first;
  while (end < wanted.length) {
    rows += wanted[end]![1]?.length ?? items;
    if (end > first && rows > most) break;
    end += 1;
  }
  return end;
};

export type Delivered = {
  /** Answers to models, well-formed and of the kind that is due, in DeviceId order; refusals among them. */
  readonly answers: readonly Message[];
  /** Of devices that were asked for rows and sent no model. */
  readonly refusals: readonly Refuse[];
  readonly rejected: readonly Rejection[];
  readonly duplicates: number;
  /** The rows each device was sent. */
  readonly rowsOf: ReadonlyMap<DeviceId, Rows>;
  /** What it took each device; empty where they take no virtual time. */
  readonly trips: ReadonlyMap<DeviceId, Trip>;
  /** Spent on generating and encoding. */
  readonly generateMillis: number;
};

const DUE: Readonly<Record<Purpose, Message['kind']>> = { train: 'update', evaluate: 'score' };

/**
 * Generates Φ_u for the prepared cohort and sends it, chunk by chunk: devices work on a chunk while the next is generated,
 * and the next waits while a host is too far behind.
 */
export const deliver = async (context: DeliveryContext, errand: Errand, exchange: Exchange): Promise<Delivered> => {
  const { server } = context;
  const { at, cohort, purpose } = errand;
  const { rowsOf, refusals, trips, ...asked } = await askForRows(context, errand, exchange);
  const position = new Map(cohort.map((device, index) => [device, index]));
  const wanted = [...rowsOf];
  let generateMillis = 0;
  for (let first = 0; first < wanted.length; ) {
    await exchange.ready();
    const start = performance.now();
    const from = position.get(wanted[first]![0])!;
    let end = nextChunk(context, wanted, first);
    // A chunk is a run of neighbouring positions: a device that refused ends it.
    end = wanted.findIndex(([device], index) => index >= first && (index >= end || position.get(device)! - from !== index - first));
    if (end < 0) end = wanted.length;
    const chunk = wanted.slice(first, end);
    const models = server.generate(
      from,
      chunk.map(([, rows]) => rows),
    );
    const messages = chunk.map(([device, rows], index) => encodeModel(context, errand, device, rows, models[index]!));
    exchange.send(messages, at === undefined ? undefined : chunk.map(([device]) => later(at, trips.get(device))));
    generateMillis += performance.now() - start;
    first = end;
  }
  const { messages, rejected, duplicates, accounts } = await exchange.answers();
  const due = DUE[purpose];
  const isDue = ({ kind }: Message): boolean => kind === due || kind === 'refuse';
  return {
    answers: messages.filter(isDue),
    refusals,
    rejected: [
      ...asked.rejected,
      ...rejected,
      ...messages.filter((message) => !isDue(message)).map((message) => outOfTurn(message, `${due} or refuse`)),
    ],
    duplicates: asked.duplicates + duplicates,
    rowsOf,
    trips: tripsOf(accounts, trips),
    generateMillis,
  };
};

const later = (at: Seconds, trip: Trip | undefined): Seconds => (trip === undefined ? at : seconds(at + secondsOf(trip)));

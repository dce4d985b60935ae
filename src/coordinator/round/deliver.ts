import type { Algorithm } from '../../algorithms/port/algorithm.js';
import type { Rows } from '../../algorithms/port/client.js';
import type { GeneratedModel, ModelRequest, ServerHalf } from '../../algorithms/port/server.js';
import { badInput, isMetafleetError } from '../../base/errors.js';
import { type DeviceId, type Seconds, seconds } from '../../base/units.js';
import type { RejectionCause } from '../../events/outcomes.js';
import type { DeviceCost } from '../../messages/device-cost.js';
import type { Assign, Message, Model, Purpose, Refuse, Want } from '../../messages/message.js';
import type { Dtype } from '../../messages/tensor-form.js';
import { decodeTensors, encodeTensor, shapeOf } from '../../messages/wire-tensor.js';
import type { Delivery } from '../settings.js';
import { allFinite } from './accept.js';
import { costsByDevice, secondsOf } from './device-costs.js';
import type { Exchange, Rejection } from './devices.js';

/** Models to a cohort, and what comes back. */
export type DeliveryContext = {
  readonly algorithm: Algorithm;
  readonly server: ServerHalf;
  readonly items: number;
  readonly dtype: Dtype;
};

export type DeliveryRequest = {
  readonly round: number;
  readonly purpose: Purpose;
  readonly delivery: Delivery;
  readonly cohort: readonly DeviceId[];
  /** Virtual time at which the devices are asked; absent where they take none. */
  readonly at?: Seconds;
  /** Numbers for the update steps of every device; absent or empty: none. */
  readonly announced?: readonly number[];
  /** What goes with the model of a device whose update is summed under masks. */
  sharesFor?(device: DeviceId): { readonly peers: Uint32Array; readonly sealed: Uint8Array };
};

const encodeModel = (
  { algorithm, dtype, items }: DeliveryContext,
  request: DeliveryRequest,
  device: DeviceId,
  rows: Rows,
  model: GeneratedModel,
): Model => {
  const { round, purpose } = request;
  const count = rows?.length ?? items;
  const tensors = algorithm.wire.down.flatMap((spec, index) =>
    purpose === 'evaluate' && spec.trainingOnly === true ? [] : [encodeTensor(dtype, shapeOf(spec, count), model[index]!)],
  );
  const { announced = [] } = request;
  return {
    kind: 'model',
    round,
    device,
    purpose,
    rows,
    tensors,
    ...(announced.length > 0 && { announced }),
    ...request.sharesFor?.(device),
  };
};

type Asked = {
  readonly rowsOf: ReadonlyMap<DeviceId, Rows>;
  /** What models are made for, ascending; null: for the whole cohort, which the server half was given already. */
  readonly requests: readonly ModelRequest[] | null;
  readonly refusals: readonly Refuse[];
  readonly rejected: readonly Rejection[];
  readonly duplicates: number;
  readonly costs: ReadonlyMap<DeviceId, DeviceCost>;
};

const rejection = (message: Message, cause: RejectionCause, place: string, expected: string, found: string): Rejection => ({
  device: message.device,
  cause,
  text: badInput('MESSAGE', place, expected, found).message,
});

/** Any other kind of message than was due. */
const outOfTurn = (message: Message, expected: string): Rejection =>
  rejection(message, 'kind', `answer of device ${message.device}`, expected, message.kind);

/** A measurement may take every row in subset delivery too: where all items are candidates. */
const judgeWant = (want: Want, items: number, purpose: Purpose, full: boolean): Rejection | undefined => {
  const place = `rows wanted by device ${want.device}`;
  const isWrong = full ? want.rows !== null : want.rows === null && purpose === 'train';
  if (isWrong) return rejection(want, 'rows', place, full ? 'none named' : 'a list', full ? 'a list' : 'none');
  const last = want.rows?.at(-1);
  return last === undefined || last < items ? undefined : rejection(want, 'rows', place, `items below ${items}`, String(last));
};

/** What a device says of itself, or why it is thrown away. */
const judgeContext = ({ algorithm, dtype }: DeliveryContext, { device, tensors = [] }: Want): ModelRequest | Rejection => {
  const specs = algorithm.wire.context ?? [];
  try {
    const context = decodeTensors(tensors, dtype, specs, 0, `context of device ${device}`);
    const odd = specs.find((_, index) => !allFinite(context[index]!));
    if (odd === undefined) return specs.length === 0 ? { device } : { device, context };
    const { message } = badInput('MESSAGE', `context of device ${device}, tensor ${odd.name}`, 'finite numbers', 'others');
    return { device, cause: 'not-finite', text: message };
  } catch (error) {
    if (!isMetafleetError(error, 'MESSAGE')) throw error;
    return { device, cause: 'shape', text: error.message };
  }
};

const NOBODY_ASKED = { refusals: [], rejected: [], duplicates: 0, costs: new Map<DeviceId, DeviceCost>() };

/**
 * Asks each device for its rows in `subset` delivery, for the algorithm's context, and, if devices have limits, whether it takes part.
 * A device that refuses, answers wrongly or falls silent is left out. `prepare` runs while devices answer.
 */
const askForRows = async (context: DeliveryContext, request: DeliveryRequest, exchange: Exchange, prepare: () => void): Promise<Asked> => {
  const { round, purpose, delivery, cohort, at } = request;
  const full = delivery === 'full';
  const saysContext = (context.algorithm.wire.context ?? []).length > 0;
  if (full && at === undefined && !saysContext) {
    prepare();
    return { ...NOBODY_ASKED, rowsOf: new Map(cohort.map((device) => [device, null])), requests: null };
  }
  const assigns = cohort.map((device): Assign => ({ kind: 'assign', round, device, purpose, ...(full ? { full } : {}) }));
  exchange.send(assigns, at === undefined ? undefined : cohort.map(() => at));
  if (!saysContext) prepare();
  const { messages, costs, ...answers } = await exchange.answers();
  const rejected = [...answers.rejected];
  const rowsOf = new Map<DeviceId, Rows>();
  const requests: ModelRequest[] = [];
  for (const message of messages) {
    if (message.kind === 'refuse') continue;
    const fault = message.kind === 'want' ? judgeWant(message, context.items, purpose, full) : outOfTurn(message, 'want or refuse');
    if (fault !== undefined) rejected.push(fault);
    if (fault !== undefined || message.kind !== 'want') continue;
    const said = judgeContext(context, message);
    if ('cause' in said) rejected.push(said);
    else {
      rowsOf.set(message.device, message.rows);
      requests.push(said);
    }
  }
  const refusals = messages.filter((message) => message.kind === 'refuse');
  const asked = { rowsOf, refusals, rejected, duplicates: answers.duplicates, costs: costsByDevice(costs, new Map()) };
  return { ...asked, requests: saysContext ? requests : null };
};

/** Devices whose models are generated together: neighbours in the cohort, of which the first is at `from`. */
type Chunk = { readonly from: number; readonly devices: readonly DeviceId[]; readonly rows: readonly Rows[] };

/** Cuts a cohort into chunks, of as many rows as the server wants in either delivery. A device that refused ends a chunk. */
const chunksOf = ({ server, items }: DeliveryContext, cohort: readonly DeviceId[], rowsOf: ReadonlyMap<DeviceId, Rows>): Chunk[] => {
  const most = server.chunk * items;
  const chunks: { from: number; devices: DeviceId[]; rows: Rows[] }[] = [];
  /** Rows that the last chunk may still take; negative: it has ended. */
  let room = -1;
  cohort.forEach((device, position) => {
    const rows = rowsOf.get(device);
    if (rows === undefined) {
      room = -1;
      return;
    }
    const count = rows?.length ?? items;
    // A chunk takes every item's row for each of its devices, or lists of rows.
    const mixes = (chunks.at(-1)?.rows[0] === null) !== (rows === null);
    if (count > room || mixes) {
      chunks.push({ from: position, devices: [], rows: [] });
      room = most;
    }
    const chunk = chunks.at(-1)!;
    chunk.devices.push(device);
    chunk.rows.push(rows);
    room -= count;
  });
  return chunks;
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
  readonly costs: ReadonlyMap<DeviceId, DeviceCost>;
  /** Spent on generating and encoding. */
  readonly generateMillis: number;
};

const DUE: Readonly<Record<Purpose, Message['kind']>> = { train: 'update', evaluate: 'score' };

/**
 * Prepares the cohort, generates its models and sends them, chunk by chunk. Kernel threads generate a chunk while the one before is encoded.
 * Devices work on a chunk while the next is generated. The next waits while a host is too far behind.
 */
export const deliver = async (context: DeliveryContext, request: DeliveryRequest, exchange: Exchange): Promise<Delivered> => {
  const { server } = context;
  const { at, cohort, purpose, round } = request;
  let generateMillis = 0;
  const generating = <T>(work: () => T): T => {
    const start = performance.now();
    const result = work();
    generateMillis += performance.now() - start;
    return result;
  };
  const prepare = (requests: readonly ModelRequest[]): void =>
    generating(() => {
      if (requests.length > 0) server.prepare(requests, purpose === 'train' ? round : null);
    });
  const ask = askForRows(context, request, exchange, () => prepare(cohort.map((device) => ({ device }))));
  const { rowsOf, refusals, costs: ofAsking, requests, ...asked } = await ask;
  if (requests !== null) prepare(requests);
  const chunks = chunksOf(context, requests?.map(({ device }) => device) ?? cohort, rowsOf);
  const begin = (chunk: Chunk | undefined) => chunk && server.generate(chunk.from, chunk.rows);
  let underWay = generating(() => begin(chunks[0]));
  for (const [index, { devices, rows }] of chunks.entries()) {
    await exchange.ready();
    generating(() => {
      const models = underWay!();
      underWay = begin(chunks[index + 1]);
      const messages = devices.map((device, i) => encodeModel(context, request, device, rows[i]!, models[i]!));
      exchange.send(messages, at === undefined ? undefined : devices.map((device) => later(at, ofAsking.get(device))));
    });
  }
  const { messages, rejected, duplicates, costs } = await exchange.answers();
  const due = request.sharesFor === undefined ? DUE[purpose] : 'masked';
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
    costs: costsByDevice(costs, ofAsking),
    generateMillis,
  };
};

const later = (at: Seconds, cost: DeviceCost | undefined): Seconds => (cost === undefined ? at : seconds(at + secondsOf(cost)));

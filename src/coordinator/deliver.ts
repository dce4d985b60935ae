import type { Algorithm, ClientUpdate, GeneratedModel, Rows, ServerHalf } from '../algorithms/algorithm.js';
import { badInput } from '../base/errors.js';
import type { DeviceId } from '../base/units.js';
import type { Message, Model, Purpose, Refuse, Update, Want } from '../messages/message.js';
import { type Dtype, decodeTensors, encodeTensor, shapeOf } from '../messages/wire-tensor.js';
import type { Exchange } from './devices.js';
import type { Delivery } from './settings.js';

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

const isWant = (message: Message): message is Want => message.kind === 'want';

const unexpected = (message: Message, expected: string): Error =>
  badInput('MESSAGE', `answer of device ${message.device}`, expected, message.kind);

type Asked = { readonly rowsOf: ReadonlyMap<DeviceId, Rows>; readonly refusals: readonly Refuse[] };

/** In `subset` delivery, asks each device for its rows; a device that refuses is left out. */
const askForRows = async ({ items }: DeliveryContext, errand: Errand, exchange: Exchange): Promise<Asked> => {
  const { round, purpose, delivery, cohort } = errand;
  if (delivery === 'full') return { rowsOf: new Map(cohort.map((device) => [device, null])), refusals: [] };
  exchange.send(cohort.map((device) => ({ kind: 'assign', round, device, purpose })));
  const answers = await exchange.answers();
  const refusals = answers.filter((answer) => answer.kind === 'refuse');
  const willing = answers.filter((answer) => answer.kind !== 'refuse');
  const rowsOf = new Map(
    willing.map((answer): [DeviceId, Rows] => {
      if (!isWant(answer)) throw unexpected(answer, 'want or refuse');
      const last = answer.rows.at(-1);
      if (last !== undefined && last >= items)
        throw badInput('MESSAGE', `rows wanted by device ${answer.device}`, `items below ${items}`, String(last));
      return [answer.device, answer.rows];
    }),
  );
  return { rowsOf, refusals };
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
  /** In DeviceId order. */
  readonly answers: readonly Message[];
  /** Of devices that were asked for rows and sent no model. */
  readonly refusals: readonly Refuse[];
  /** The rows each device was sent. */
  readonly rowsOf: ReadonlyMap<DeviceId, Rows>;
  /** Spent on generating and encoding. */
  readonly generateMillis: number;
};

/**
 * Generates Φ_u for the prepared cohort and sends it, chunk by chunk: devices work on a chunk while the next is generated.
 */
export const deliver = async (context: DeliveryContext, errand: Errand, exchange: Exchange): Promise<Delivered> => {
  const { server } = context;
  const { rowsOf, refusals } = await askForRows(context, errand, exchange);
  const position = new Map(errand.cohort.map((device, index) => [device, index]));
  const wanted = [...rowsOf];
  let generateMillis = 0;
  for (let first = 0; first < wanted.length; ) {
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
    exchange.send(chunk.map(([device, rows], index) => encodeModel(context, errand, device, rows, models[index]!)));
    generateMillis += performance.now() - start;
    first = end;
  }
  return { answers: await exchange.answers(), refusals, rowsOf, generateMillis };
};

/** Item ids, both ascending: whether each of `some` is among `all`. */
const isAmong = (some: Uint32Array, all: Uint32Array): boolean => {
  let at = 0;
  for (const item of some) {
    while (at < all.length && all[at]! < item) at += 1;
    if (all[at] !== item) return false;
  }
  return true;
};

const checkSums = ({ count, loss }: Update, items: number, place: string): void => {
  if (count < 1 || count > items) throw badInput('MESSAGE', `${place}, count`, `1 to ${items} ratings`, String(count));
  if (loss < 0) throw badInput('MESSAGE', `${place}, loss`, 'a sum of squares', String(loss));
};

/** Neither `every`, which makes an object of each number, nor an iterator: they took as long as a small round's backward pass. */
const allFinite = (values: Float32Array): boolean => {
  let at = 0;
  while (at < values.length && Math.abs(values[at]!) < Number.POSITIVE_INFINITY) at += 1;
  return at === values.length;
};

/** Decodes and checks a client update against what this device was sent: nothing that it may hold can spoil Θ unnoticed. */
export const acceptUpdate = ({ algorithm, dtype, items }: DeliveryContext, update: Update, sent: Rows): ClientUpdate => {
  const place = `update of device ${update.device}`;
  checkSums(update, items, place);
  const last = update.rows.at(-1);
  if (last !== undefined && last >= items) throw badInput('MESSAGE', place, `items below ${items}`, String(last));
  if (sent !== null && !isAmong(update.rows, sent)) throw badInput('MESSAGE', place, 'rows it was sent', 'others');
  const tensors = decodeTensors(update.tensors, dtype, algorithm.tensors, update.rows.length, place);
  const odd = algorithm.tensors.find((_, index) => !allFinite(tensors[index]!));
  if (odd !== undefined) throw badInput('MESSAGE', `${place}, tensor ${odd.name}`, 'finite numbers', 'others');
  return { device: update.device, count: update.count, rows: update.rows, tensors };
};

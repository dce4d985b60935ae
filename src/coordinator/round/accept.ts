import type { Algorithm } from '../../algorithms/port/algorithm.js';
import type { Rows } from '../../algorithms/port/client.js';
import type { ClientUpdate } from '../../algorithms/port/server.js';
import { badInput, isMetafleetError, MetafleetError } from '../../base/errors.js';
import { createSlabs } from '../../base/slabs.js';
import type { RejectionCause } from '../../events/outcomes.js';
import type { Update } from '../../messages/message.js';
import type { Dtype } from '../../messages/tensor-form.js';
import { decodeTensors } from '../../messages/wire-tensor.js';
import type { Rejection } from './devices.js';

/** What an update is checked against. */
export type Expected = {
  readonly algorithm: Pick<Algorithm, 'wire'>;
  readonly items: number;
  readonly dtype: Dtype;
  /** Marks that update steps put on an update. Default: none. */
  readonly marks?: number;
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

const wrong = (cause: RejectionCause, place: string, expected: string, found: string): MetafleetError =>
  new MetafleetError('MESSAGE', badInput('MESSAGE', place, expected, found).message, { cause });

const checkSums = ({ count, loss }: Update, items: number, place: string): void => {
  if (count < 1 || count > items) throw wrong('sums', `${place}, count`, `1 to ${items} ratings`, String(count));
  if (loss < 0) throw wrong('sums', `${place}, loss`, 'a sum of squares', String(loss));
};

/** Neither `every`, which makes an object of each number, nor an iterator: they took as long as a small round's backward pass. */
export const allFinite = (values: Float32Array): boolean => {
  let at = 0;
  while (at < values.length && Math.abs(values[at]!) < Number.POSITIVE_INFINITY) at += 1;
  return at === values.length;
};

/** For the tensors of updates, which are given up together, a round's or a few rounds' at a time. */
const room = createSlabs();

/**
 * Decodes and checks a client update against what this device was sent: nothing that it may hold can spoil Θ unnoticed. Throws
 * MESSAGE, with a RejectionCause as its cause where the tensor's own codec did not throw it.
 */
export const acceptUpdate = ({ algorithm, dtype, items, marks = 0 }: Expected, update: Update, sent: Rows): ClientUpdate => {
  const place = `update of device ${update.device}`;
  checkSums(update, items, place);
  const said = update.marks ?? [];
  if (said.length !== marks || said.some((mark) => mark < 0 || mark > 1))
    throw wrong('sums', `${place}, marks`, `${marks} numbers from 0 to 1`, said.length === marks ? 'others' : String(said.length));
  const last = update.rows.at(-1);
  if (last !== undefined && last >= items) throw wrong('rows', place, `items below ${items}`, String(last));
  if (sent !== null && !isAmong(update.rows, sent)) throw wrong('rows', place, 'rows it was sent', 'others');
  const { up } = algorithm.wire;
  const other = update.tensors.find((tensor) => tensor.dtype !== dtype);
  if (other !== undefined && update.tensors.length === up.length) {
    const { name } = up[update.tensors.indexOf(other)]!;
    throw wrong('dtype', `${place}, tensor ${name}`, `dtype ${dtype}`, other.dtype);
  }
  const tensors = decodeTensors(update.tensors, dtype, up, update.rows.length, place, room);
  const odd = up.find((_, index) => !allFinite(tensors[index]!));
  if (odd !== undefined) throw wrong('not-finite', `${place}, tensor ${odd.name}`, 'finite numbers', 'others');
  return { device: update.device, count: update.count, rows: update.rows, tensors };
};

/** The update, or why it is thrown away. */
export const judgeForm = (expected: Expected, update: Update, sent: Rows): ClientUpdate | Rejection => {
  try {
    return acceptUpdate(expected, update, sent);
  } catch (error) {
    if (!isMetafleetError(error, 'MESSAGE')) throw error;
    const cause = typeof error.cause === 'string' ? (error.cause as RejectionCause) : 'shape';
    return { device: update.device, cause, text: error.message };
  }
};

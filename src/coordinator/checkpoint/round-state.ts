import { deserialize, serialize } from 'node:v8';
import { badInput, isMetafleetError, messageOf } from '../../base/errors.js';
import { REJECTIONS } from '../../events/outcomes.js';
import { DROP_STAGES, RESOURCES } from '../../messages/device-cost.js';
import { REFUSALS } from '../../messages/message.js';
import { shapeOf, type TensorSpec } from '../../messages/wire-tensor.js';
import type { ServerSteps } from '../../updates/server-steps.js';
import type { PrivacyLedger } from '../privacy/ledger.js';
import { allFinite } from '../round/accept.js';
import { MOST_NORMS } from '../round/defence.js';
import type { RoundState } from '../round/round.js';
import type { Sampler } from '../sampling/sampler.js';
import { isTree, type Tree } from './checkpoint-migrations.js';

/** What learns from round to round, and has a state for the checkpoint. */
type Learners = {
  readonly sampler: Sampler;
  readonly steps: Pick<ServerSteps, 'state' | 'restore'>;
  readonly ledger: PrivacyLedger | null;
};

/** Update steps that keep nothing, and a run without a ledger, have no field: so it is in checkpoints from before there were any. */
const stepsOf = ({ steps }: Learners): object => (steps.state().length === 0 ? {} : { steps: steps.state() });
const privacyOf = ({ ledger }: Learners): object => (ledger === null ? {} : { privacy: ledger.state() });

/** What rounds hand on to one another, in a checkpoint: tasks and what was learned, as V8 serializes plain data. */
export const packRoundState = (rounds: RoundState, learners: Learners): Uint8Array =>
  serialize({ rounds, sampler: learners.sampler.state(), ...stepsOf(learners), ...privacyOf(learners) });

/** What tasks are checked against. `profiles`: in the fleet's mix; 0 where none is simulated. */
export type FleetFacts = {
  readonly devices: number;
  readonly items: number;
  readonly profiles: number;
  readonly tensors: readonly TensorSpec[];
  /** The last round run. */
  readonly round: number;
};

const wrong = (place: string, expected: string, found: unknown): Error => {
  const text = typeof found === 'object' && found !== null ? (Array.isArray(found) ? 'a list' : 'an object') : String(found);
  return badInput('CHECKPOINT', place, expected, text.slice(0, 100));
};

const treeOf = (value: unknown, keys: readonly string[], place: string): Tree => {
  const isPlain = typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value));
  if (!isPlain) throw wrong(place, 'an object', value);
  const found = Object.keys(value).sort().join(', ');
  const expected = keys.toSorted().join(', ');
  if (found !== expected) throw wrong(place, `the fields ${expected}`, found);
  return value as Tree;
};

/** The length first: a list may claim billions of holes. */
const listOf = (value: unknown, most: number, place: string): readonly unknown[] => {
  if (!Array.isArray(value)) throw wrong(place, 'a list', value);
  if (value.length > most) throw wrong(place, `at most ${most} entries`, value.length);
  return value;
};

const checkNumber = (value: unknown, least: number, place: string): void => {
  if (!Number.isFinite(value) || (value as number) < least) throw wrong(place, `a number of at least ${least}`, value);
};

const checkWhole = (value: unknown, least: number, most: number, place: string): void => {
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most)
    throw wrong(place, `a whole number from ${least} to ${most}`, value);
};

const checkOneOf = (value: unknown, names: readonly string[], place: string): void => {
  if (typeof value !== 'string' || !names.includes(value)) throw wrong(place, `one of ${names.join(', ')}`, value);
};

const COST = ['device', 'profile', 'lost', 'down', 'compute', 'up', 'bytesDown', 'bytesUp', 'operations', 'energy', 'used'] as const;

const checkCost = (value: unknown, { profiles }: FleetFacts, place: string): void => {
  const { profile, lost, used, ...amounts } = treeOf(value, COST, place);
  checkWhole(profile, 0, profiles - 1, `${place}.profile`);
  if (lost !== null) checkOneOf(lost, DROP_STAGES, `${place}.lost`);
  for (const [name, amount] of Object.entries(amounts)) checkNumber(amount, 0, `${place}.${name}`);
  for (const [name, share] of Object.entries(treeOf(used, RESOURCES, `${place}.used`))) checkNumber(share, 0, `${place}.used.${name}`);
};

const checkRows = (rows: unknown, items: number, place: string): Uint32Array => {
  if (!(rows instanceof Uint32Array)) throw wrong(place, 'item ids', rows);
  rows.forEach((item, index) => {
    if (item >= items || (index > 0 && item <= rows[index - 1]!)) throw wrong(place, `ascending items below ${items}`, item);
  });
  return rows;
};

const checkUpdate = (value: unknown, of: unknown, { items, tensors: specs }: FleetFacts, place: string): void => {
  const { device, count, rows, tensors } = treeOf(value, ['device', 'count', 'rows', 'tensors'], place);
  if (device !== of) throw wrong(`${place}.device`, String(of), device);
  checkWhole(count, 1, items, `${place}.count`);
  const { length } = checkRows(rows, items, `${place}.rows`);
  const list = listOf(tensors, specs.length, `${place}.tensors`);
  specs.forEach((spec, index) => {
    const values = list[index];
    const size = shapeOf(spec, length).reduce((product, axis) => product * axis, 1);
    const where = `${place}, tensor ${spec.name}`;
    if (!(values instanceof Float32Array)) throw wrong(where, 'float32 numbers', values);
    if (values.length !== size) throw wrong(where, `${size} numbers`, values.length);
    if (!allFinite(values)) throw wrong(where, 'finite numbers', 'others');
  });
};

const checkOutcome = (value: unknown, device: unknown, facts: FleetFacts, place: string): void => {
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
  if (kind === 'update') {
    const { update, loss } = treeOf(value, ['kind', 'update', 'loss'], place);
    checkUpdate(update, device, facts, place);
    checkNumber(loss, 0, `${place}.loss`);
  } else if (kind === 'dropped') checkOneOf(treeOf(value, ['kind', 'stage'], place)['stage'], DROP_STAGES, `${place}.stage`);
  else if (kind === 'refused') checkOneOf(treeOf(value, ['kind', 'cause'], place)['cause'], REFUSALS, `${place}.cause`);
  else if (kind === 'rejected') checkOneOf(treeOf(value, ['kind', 'cause'], place)['cause'], REJECTIONS, `${place}.cause`);
  else throw wrong(`${place}.kind`, 'update, refused, dropped or rejected', kind);
};

const checkTasks = (value: unknown, facts: FleetFacts, place: string): void => {
  const seen = new Set<unknown>();
  for (const [index, task] of listOf(value, facts.devices, place).entries()) {
    const where = `${place}[${index}]`;
    const { device, round, sent, arrives, cost, outcome } = treeOf(task, ['device', 'round', 'sent', 'arrives', 'cost', 'outcome'], where);
    checkWhole(device, 0, facts.devices - 1, `${where}.device`);
    if (seen.has(device)) throw wrong(`${where}.device`, 'each device once', device);
    seen.add(device);
    checkWhole(round, 1, facts.round, `${where}.round`);
    checkNumber(sent, 0, `${where}.sent`);
    checkNumber(arrives, sent as number, `${where}.arrives`);
    if (cost !== null) checkCost(cost, facts, `${where}.cost`);
    checkOutcome(outcome, device, facts, `${where}.outcome`);
  }
};

/** In checkpoints before version 4 a task's outcome was called `fate`, and its cost `trip`, which named no device. */
const migrateTask = (task: unknown): unknown => {
  if (!isTree(task) || !Object.hasOwn(task, 'fate')) return task;
  const { fate, trip, ...rest } = task;
  return { ...rest, cost: isTree(trip) ? { device: rest['device'], ...trip } : trip, outcome: fate };
};

const parseRounds = (value: unknown, facts: FleetFacts, place: string): RoundState => {
  const { now, asked, inFlight: found, norms } = treeOf(value, ['now', 'asked', 'inFlight', 'norms'], place);
  checkNumber(now, 0, `${place}.now`);
  checkWhole(asked, 0, Number.MAX_SAFE_INTEGER, `${place}.asked`);
  for (const norm of listOf(norms, MOST_NORMS, `${place}.norms`)) checkNumber(norm, 0, `${place}.norms`);
  const inFlight = listOf(found, facts.devices, `${place}.inFlight`).map(migrateTask);
  checkTasks(inFlight, facts, `${place}.inFlight`);
  return { now, asked, inFlight, norms } as RoundState;
};

/** Nothing of it is believed: bytes behind a checksum that is right may still be anybody's. Throws CHECKPOINT; the sampler is then not usable. */
export const unpackRoundState = (data: Uint8Array, facts: FleetFacts, learners: Learners, path: string): RoundState => {
  const place = `${path}, state of the policies`;
  try {
    const { steps, sampler, ledger } = learners;
    const fields = ['rounds', 'sampler', ...Object.keys({ ...stepsOf(learners), ...privacyOf(learners) })];
    const saved = treeOf(deserialize(data), fields, place);
    const parsed = parseRounds(saved['rounds'], facts, place);
    sampler.restore(saved['sampler']);
    if (fields.includes('steps')) steps.restore(saved['steps']);
    ledger?.restore(saved['privacy']);
    return parsed;
  } catch (error) {
    if (isMetafleetError(error, 'CHECKPOINT')) throw error;
    throw badInput('CHECKPOINT', place, 'that of these', messageOf(error).split('\n', 1)[0]!.slice(0, 200));
  }
};

import type { Algorithm } from '../algorithms/port/algorithm.js';
import type { Interactions, LocalModel, LocalUpdate, OwnData, Rows, Task } from '../algorithms/port/client.js';
import type { World } from '../algorithms/port/definition.js';
import { distinctRows } from '../algorithms/port/rows.js';
import type { ClientUpdate, ModelRequest, ServerHalf } from '../algorithms/port/server.js';
import { distinct, random } from '../base/random.js';
import { deviceId } from '../base/units.js';
import { createUpdateSums } from '../coordinator/aggregation/update-sums.js';

/** Sizes that are no powers of two. */
export const SMALL_WORLD: World = { devices: 7, items: 23, lowest: 1, highest: 5 };

const SEED = 1;

/** Private records of a device: from one to eleven, on distinct items, with whole ratings. */
const recordsOf = ({ items, lowest, highest }: World, device: number): Interactions => {
  const source = random(SEED, 'records', device);
  const chosen = distinct(device === 0 ? 1 : 2 + source.integer(10), items, source);
  const levels = Math.max(1, Math.round(highest - lowest));
  return { items: chosen, values: Float32Array.from(chosen, () => lowest + ((highest - lowest) * source.integer(levels + 1)) / levels) };
};

export const ownOf = (world: World, device: number): OwnData => ({ train: recordsOf(world, device) });

/** What a device keeps before its first round. */
export const firstState = (algorithm: Algorithm, own: OwnData, device: number): Float32Array => {
  const { state } = algorithm.client();
  if (state === undefined) return new Float32Array(0);
  const size = typeof state.size === 'number' ? state.size : state.size(own.train.items.length);
  return state.initial(random(SEED, 'state', device), size);
};

export const trainTask = (own: OwnData, round: number): Task => ({ purpose: 'train', round, batch: own.train });

/** The stream that the engine gives to a device's plan or update of a round. */
export const streamOf = (purpose: 'plan' | 'update', round: number, device: number) => random(SEED, purpose, round, device);

const joined = (pieces: readonly Float32Array[]): Float32Array => Float32Array.from(pieces.flatMap((piece) => Array.from(piece)));

/** Models for the prepared cohort, generated so many at a time. */
export const modelsOf = (server: ServerHalf, rows: readonly Rows[], chunk: number): readonly LocalModel[] => {
  const models: LocalModel[] = [];
  for (let first = 0; first < rows.length; first += chunk) {
    const part = rows.slice(first, first + chunk);
    const made = server.generate(first, part)();
    models.push(...made.map((model, at) => ({ rows: part[at]!, tensors: model.map(joined) })));
  }
  return models;
};

/** The devices of one fleet, whose private states go from round to round. */
export type SmallFleet = { readonly algorithm: Algorithm; readonly world: World; readonly states: Map<number, Float32Array> };

export const createSmallFleet = (algorithm: Algorithm, world: World): SmallFleet => ({
  algorithm,
  world,
  states: new Map(
    Array.from({ length: world.devices }, (_, device) => [device, firstState(algorithm, ownOf(world, device), device)] as const),
  ),
});

export type Exchanged = { readonly device: number; readonly own: OwnData; readonly model: LocalModel; readonly update: LocalUpdate };

/** Models of a round to some devices, in ascending order, and their updates. The server half has not taken these yet. */
export const exchangeRound = (
  { algorithm, world, states }: SmallFleet,
  server: ServerHalf,
  round: number,
  devices: readonly number[],
  delivery: 'full' | 'subset' = 'subset',
): readonly Exchanged[] => {
  const client = algorithm.client();
  const plans = devices.map((device) => {
    const own = ownOf(world, device);
    return { device, own, plan: client.plan(own, trainTask(own, round), streamOf('plan', round, device), states.get(device)!) };
  });
  const requests = plans.map(({ device, plan: { context } }): ModelRequest => {
    return { device: deviceId(device), ...(context === undefined ? {} : { context: context.map((values) => values.slice()) }) };
  });
  server.prepare(requests, round);
  const rows = plans.map(({ plan }) => (delivery === 'full' || plan.rows === null ? null : distinctRows(plan.rows)));
  const models = modelsOf(server, rows, rows.length);
  return plans.map(({ device, own, plan }, at) => {
    const found = client.update(models[at]!, own, plan.work, streamOf('update', round, device), states.get(device)!);
    const update = { ...found, rows: found.rows.slice(), tensors: found.tensors.map((values) => values.slice()) };
    return { device, own, model: models[at]!, update };
  });
};

/** Hands updates to the server half as the mean does, and keeps the devices' states. */
export const takeRound = ({ algorithm, world, states }: SmallFleet, server: ServerHalf, played: readonly Exchanged[]): void => {
  const updates = played.map(
    ({ device, update: { count, rows, tensors } }): ClientUpdate => ({ device: deviceId(device), count, rows, tensors }),
  );
  if (algorithm.traits.aggregation === 'each') server.accumulate?.(updates);
  else server.apply?.(createUpdateSums(algorithm.wire.up, world.items).of(updates));
  for (const { device, update } of played) if (update.state !== undefined) states.set(device, Float32Array.from(update.state));
};

/** Rounds first … last, each of all devices but one. */
export const playRounds = (fleet: SmallFleet, server: ServerHalf, first: number, last: number): void => {
  for (let round = first; round <= last; round++) {
    const devices = Array.from({ length: fleet.world.devices }, (_, device) => device).filter((device) => device !== round % 3);
    takeRound(fleet, server, exchangeRound(fleet, server, round, devices));
    server.step(1);
  }
};

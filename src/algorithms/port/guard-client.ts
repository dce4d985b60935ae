import type { HookCalls } from '../../definitions/hook-calls.js';
import type { Hook } from '../../definitions/hook-watch.js';
import { elements, type TensorSpec } from '../../messages/wire-tensor.js';
import type { ClientHalf, Interactions, LocalModel, LocalUpdate, OwnData, Plan, PrivateStateSpec, Task } from './client.js';
import type { Wire } from './definition.js';

/** Copies. So a module cannot change the device's records, nor a model whose memory goes to another device. */
const copyOf = ({ items, values }: Interactions): Interactions => ({ items: Uint32Array.from(items), values: Float32Array.from(values) });
const ownCopy = ({ train, features }: OwnData): OwnData => ({
  train: copyOf(train),
  ...(features && { features: features.map((values) => values.slice()) }),
});
const modelCopy = ({ rows, tensors }: LocalModel): LocalModel => ({
  rows: rows === null ? null : Uint32Array.from(rows),
  tensors: tensors.map((values) => Float32Array.from(values)),
});
const taskCopy = (task: Task): Task =>
  task.purpose === 'train' ? { ...task, batch: copyOf(task.batch) } : { ...task, candidates: Uint32Array.from(task.candidates) };

const typeName = (value: unknown): string =>
  typeof value === 'object' && value !== null ? (value.constructor?.name ?? 'an object') : String(value);

/** Throws MODULE unless `values` are so many finite float32. */
const checkFloats = ({ expect }: HookCalls, hook: Hook, what: string, values: unknown, count: number): void => {
  expect(values instanceof Float32Array, hook, `${what}: a Float32Array`, () => typeName(values));
  const found = values as Float32Array;
  expect(found.length === count, hook, `${what}: ${count} numbers`, () => String(found.length));
  const odd = found.findIndex((value) => !Number.isFinite(value));
  expect(odd < 0, hook, `${what}: finite numbers`, () => `${found[odd]} at ${odd}`);
};

const checkTensors = (calls: HookCalls, hook: Hook, specs: readonly TensorSpec[], tensors: unknown, rows: number): void => {
  calls.expect(Array.isArray(tensors) && tensors.length === specs.length, hook, `tensors: a list of ${specs.length}`, () =>
    Array.isArray(tensors) ? `${tensors.length}` : typeName(tensors),
  );
  specs.forEach(({ name, perRow, shape }, index) => {
    checkFloats(calls, hook, `tensor ${name}`, (tensors as readonly unknown[])[index], elements(shape) * (perRow ? rows : 1));
  });
};

const checkPlan = (calls: HookCalls, { context = [] }: Wire, plan: unknown): Plan<unknown> => {
  const { expect, items } = calls;
  expect(typeof plan === 'object' && plan !== null, 'plan', 'a plan { rows, work }', () => typeName(plan));
  const { rows, context: said } = plan as Partial<Plan<unknown>>;
  const isList = rows === null || (typeof rows === 'object' && typeof rows.length === 'number');
  expect(isList, 'plan', 'rows: a list of items, or null for every item', () => typeName(rows));
  for (let at = 0; rows !== null && at < rows!.length; at++) {
    const item = rows![at]!;
    expect(Number.isSafeInteger(item) && item >= 0 && item < items, 'plan', `rows: items from 0 to ${items - 1}`, () => String(item));
  }
  if (context.length > 0) checkTensors(calls, 'plan', context, said, 0);
  return plan as Plan<unknown>;
};

const checkUpdate = (calls: HookCalls, { up }: Wire, model: LocalModel, state: Float32Array, update: unknown): LocalUpdate => {
  const { expect, items } = calls;
  expect(typeof update === 'object' && update !== null, 'update', 'an update { count, loss, rows, tensors }', () => typeName(update));
  const { count, loss, rows, tensors, state: after } = update as Partial<LocalUpdate>;
  expect(Number.isSafeInteger(count) && count! >= 1, 'update', 'count: a whole number of at least 1', () => String(count));
  expect(Number.isFinite(loss) && loss! >= 0, 'update', 'loss: a finite number of at least 0', () => String(loss));
  expect(rows instanceof Uint32Array, 'update', 'rows: a Uint32Array of items', () => typeName(rows));
  const present = model.rows === null ? null : new Set(model.rows);
  rows!.forEach((item, at) => {
    expect(item < items && (at === 0 || item > rows![at - 1]!), 'update', `rows: ascending items below ${items}`, () => String(item));
    expect(present === null || present.has(item), 'update', 'rows: items that the model has a row of', () => String(item));
  });
  checkTensors(calls, 'update', up, tensors, rows!.length);
  if (after !== undefined) checkFloats(calls, 'update', 'state', after, state.length);
  return update as LocalUpdate;
};

const guardState = (calls: HookCalls, spec: unknown): PrivateStateSpec => {
  const { size, initial } = spec as Partial<PrivateStateSpec>;
  const isSize = typeof size === 'function' || (Number.isSafeInteger(size) && (size as number) >= 0);
  calls.expect(isSize, 'state', 'size: a whole number, or a function of the number of records', () => String(size));
  calls.expect(typeof initial === 'function', 'state', 'initial: a function', () => typeName(initial));
  const sizeOf = (records: number): number => {
    const found = typeof size === 'function' ? calls.call('state', () => size(records)) : size!;
    calls.expect(Number.isSafeInteger(found) && found >= 0, 'state', 'size: a whole number', () => String(found));
    return found;
  };
  return {
    size: typeof size === 'function' ? sizeOf : size!,
    initial: (source, count) => {
      const values = calls.call('state', () => initial!(source, count));
      checkFloats(calls, 'state', 'initial', values, count);
      return values;
    },
  };
};

export const guardClient = (calls: HookCalls, wire: Wire, half: unknown): ClientHalf => {
  calls.expect(typeof half === 'object' && half !== null, 'client', 'a client half', () => typeName(half));
  const client = half as ClientHalf;
  for (const hook of ['plan', 'update', 'score'] as const)
    calls.expect(typeof client[hook] === 'function', 'client', `${hook}: a function`, () => typeName(client[hook]));
  const { operations, itemVectors } = client;
  /** Those of the last plan, which `score` follows. */
  let candidates = 0;
  return {
    ...(client.state === undefined ? {} : { state: guardState(calls, client.state) }),
    plan: (own, task, source, state) => {
      if (task.purpose === 'evaluate') candidates = task.candidates.length;
      return checkPlan(
        calls,
        wire,
        calls.call('plan', () => client.plan(ownCopy(own), taskCopy(task), source, Float32Array.from(state))),
      );
    },
    update: (model, own, work, source, state) => {
      const update = calls.call('update', () => client.update(modelCopy(model), ownCopy(own), work, source, Float32Array.from(state)));
      return checkUpdate(calls, wire, model, state, update);
    },
    score: (model, own, work, state) => {
      const scores = calls.call('score', () => client.score(modelCopy(model), ownCopy(own), work, Float32Array.from(state)));
      checkFloats(calls, 'score', 'scores', scores, candidates);
      return scores;
    },
    ...(itemVectors === undefined
      ? {}
      : {
          itemVectors: (model: LocalModel) => {
            const values = calls.call('itemVectors', () => itemVectors.call(client, modelCopy(model)));
            const width = values instanceof Float32Array ? Math.floor(values.length / calls.items) : 0;
            checkFloats(calls, 'itemVectors', 'a vector of every item', values, Math.max(1, width) * calls.items);
            return values;
          },
        }),
    ...(operations === undefined
      ? {}
      : {
          operations: (work: unknown) => {
            const count = calls.call('operations', () => operations.call(client, work));
            calls.expect(Number.isFinite(count) && count >= 0, 'operations', 'a number of at least 0', () => String(count));
            return count;
          },
        }),
  };
};

import type { ClientUpdate, UpdateSum } from '../../algorithms/port/server.js';
import { createCalls, type HookCalls } from '../../definitions/hook-calls.js';
import type { HookWatch } from '../../definitions/hook-watch.js';
import { elements } from '../../messages/wire-tensor.js';
import { allFinite } from '../round/accept.js';
import type { Aggregator, AggregatorContext, AggregatorDefinition, Combined } from './aggregator.js';

type Check = { readonly calls: HookCalls; readonly context: AggregatorContext };

const checkTensors = ({ calls, context: { wire } }: Check, tensors: unknown, rows: number, of: string): void => {
  const { up } = wire;
  calls.expect(Array.isArray(tensors) && tensors.length === up.length, 'combine', `${up.length} tensors${of}`, () => typeof tensors);
  up.forEach(({ name, perRow, shape }, index) => {
    const values = (tensors as readonly unknown[])[index];
    const count = elements(shape) * (perRow ? rows : 1);
    const isRight = values instanceof Float32Array && values.length === count;
    calls.expect(isRight, 'combine', `tensor ${name}${of}: ${count} float32`, () =>
      values instanceof Float32Array ? String(values.length) : typeof values,
    );
    calls.expect(allFinite(values as Float32Array), 'combine', `tensor ${name}${of}: finite numbers`, () => 'others');
  });
};

const checkSum = (check: Check, sum: Partial<UpdateSum> | undefined): void => {
  const { calls, context } = check;
  calls.expect(Number.isFinite(sum?.weight) && sum!.weight! > 0, 'combine', 'sum.weight: a number above 0', () => String(sum?.weight));
  checkTensors(check, sum!.tensors, context.items, '');
  const { rowWeights } = sum!;
  const isRight = rowWeights instanceof Float32Array && rowWeights.length === context.items && allFinite(rowWeights);
  calls.expect(isRight, 'combine', `sum.rowWeights: ${context.items} finite float32`, () => typeof rowWeights);
};

/** Server halves take updates of the prepared cohort only, with rows that were sent. */
const checkUpdates = (check: Check, found: unknown, given: readonly ClientUpdate[]): void => {
  const { calls } = check;
  calls.expect(Array.isArray(found), 'combine', 'updates: a list', () => typeof found);
  const known = new Map(given.map((update) => [update.device as number, update]));
  let last = -1;
  for (const { device, count, rows, tensors } of found as readonly ClientUpdate[]) {
    const own = known.get(device);
    calls.expect(own !== undefined && device > last, 'combine', 'updates of devices that it was given, ascending', () => String(device));
    last = device;
    calls.expect(Number.isFinite(count) && count > 0, 'combine', `count of device ${device}: a number above 0`, () => String(count));
    calls.expect(rows instanceof Uint32Array, 'combine', `rows of device ${device}: a Uint32Array`, () => typeof rows);
    if (rows !== own!.rows) {
      const had = new Set(own!.rows);
      const odd = rows.findIndex((row, at) => !had.has(row) || (at > 0 && row <= rows[at - 1]!));
      calls.expect(odd < 0, 'combine', `rows of device ${device}: rows that it sent, ascending`, () => String(rows[odd]));
    }
    checkTensors(check, tensors, rows.length, ` of device ${device}`);
  }
};

/** An aggregator of a user's module: what it throws or leaves wrongly ends in one line of MODULE. */
export const guardAggregator = (
  definition: AggregatorDefinition,
  module: string,
  options: unknown,
  context: AggregatorContext,
  watch?: HookWatch,
): Aggregator => {
  const calls = createCalls(module, context.items, () => null, watch);
  const aggregator = calls.call('create', () => definition.create(options, context));
  calls.expect(typeof aggregator?.combine === 'function', 'create', 'combine: a function', () => typeof aggregator?.combine);
  const { leaves } = definition.traits;
  return {
    combine: (updates) => {
      const combined = calls.call('combine', () => aggregator.combine(updates)) as Combined | undefined;
      calls.expect(combined?.kind === leaves, 'combine', `{ kind: '${leaves}', … }, as traits.leaves says`, () => String(combined?.kind));
      if (combined!.kind === 'sum') checkSum({ calls, context }, combined!.sum);
      else checkUpdates({ calls, context }, combined!.updates, updates);
      return combined!;
    },
  };
};

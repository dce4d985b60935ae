import { type Random, random } from '../base/random.js';
import { createCalls } from '../definitions/hook-calls.js';
import type { HookWatch } from '../definitions/hook-watch.js';
import { type DefinitionSetup, loadDefinition } from '../definitions/kind.js';
import type { Grid } from '../messages/rounding.js';
import { DTYPES } from '../messages/tensor-form.js';
import { elements } from '../messages/wire-tensor.js';
import { AS_CONFIGURED } from './encoding.js';
import { UPDATE_STEP } from './registry.js';
import type { Bound, DeviceStep, Encoding, SentUpdate, StepContext, StepOutput, UpdateStepDefinition, UpdateWire } from './update-step.js';

/** The device half of a step with its options, for one algorithm's updates. */
export type BoundStep = {
  readonly name: string;
  readonly traits: UpdateStepDefinition['traits'];
  /** Of its options; null: not its to say. */
  readonly bound: Bound | null;
  readonly stateSize: (records: number) => number;
  readonly encoding: Encoding;
  apply(update: SentUpdate, context: StepContext, device: number): StepOutput;
};

const NO_STATE = (): number => 0;

const unchanged: DeviceStep = ({ tensors }) => tensors;

const half = (definition: UpdateStepDefinition, options: unknown, wire: UpdateWire): Omit<BoundStep, 'apply'> => ({
  name: definition.name,
  traits: definition.traits,
  bound: definition.bound?.(options) ?? null,
  stateSize: definition.state?.(options, wire) ?? NO_STATE,
  encoding: definition.encoding?.(options) ?? AS_CONFIGURED,
});

const typeName = (value: unknown): string => (value instanceof Float32Array ? `${value.length} numbers` : typeof value);

/** A step of a user's module works on copies; what it throws or returns wrongly ends in one line of MODULE. */
export const bindUpdateStep = (
  definition: UpdateStepDefinition,
  module: string,
  options: unknown,
  wire: UpdateWire,
  watch?: HookWatch,
): BoundStep => {
  let current: number | null = null;
  const calls = createCalls(module, wire.items, () => current, watch);
  const step = definition.onDevice === undefined ? unchanged : calls.call('onDevice', () => definition.onDevice!(options, wire));
  calls.expect(typeof step === 'function', 'onDevice', 'a function (update, { source }) => tensors', () => typeof step);
  const check = (found: unknown, rows: number): void => {
    calls.expect(Array.isArray(found) && found.length === wire.up.length, 'onDevice', `a list of ${wire.up.length} tensors`, () =>
      Array.isArray(found) ? `${found.length}` : typeof found,
    );
    wire.up.forEach(({ name: tensor, perRow, shape }, index) => {
      const values = (found as readonly unknown[])[index];
      const wanted = elements(shape) * (perRow ? rows : 1);
      const isRight = values instanceof Float32Array && values.length === wanted;
      calls.expect(isRight, 'onDevice', `tensor ${tensor}: ${wanted} float32`, () => typeName(values));
      const odd = (values as Float32Array).find((value) => !Number.isFinite(value));
      calls.expect(odd === undefined, 'onDevice', `tensor ${tensor}: finite numbers`, () => String(odd));
    });
  };
  const checkGrids = (grids: unknown, tensors: readonly Float32Array[]): void => {
    const isRight = (grid: Partial<Grid> | undefined, { length }: Float32Array): boolean =>
      Number.isInteger(grid?.group) &&
      grid!.group! > 0 &&
      grid!.scales instanceof Float32Array &&
      grid!.scales.length === Math.ceil(length / grid!.group!);
    const all = Array.isArray(grids) && grids.length === tensors.length && tensors.every((values, index) => isRight(grids[index], values));
    calls.expect(all, 'onDevice', 'grids: for each tensor, a scale for each group of numbers', () => 'others');
  };
  const bound = calls.call('onDevice', () => half(definition, options, wire));
  const { sparse, dtype } = bound.encoding;
  const isKnown = typeof sparse === 'boolean' && (dtype === null || DTYPES.includes(dtype));
  calls.expect(isKnown, 'onDevice', `encoding: sparse, and a dtype of ${DTYPES.join(', ')} or null`, () => `${sparse}, ${dtype}`);
  return {
    ...bound,
    apply: ({ count, rows, tensors }, context, device) => {
      current = device;
      const copy = { count, rows: rows.slice(), tensors: tensors.map((values) => values.slice()) };
      const found: unknown = calls.call('onDevice', () => step(copy, context));
      if (typeof found !== 'object' || found === null || !('tensors' in found)) {
        check(found, rows.length);
        return found as readonly Float32Array[];
      }
      check(found.tensors, rows.length);
      if ('grids' in found) checkGrids(found.grids, found.tensors as readonly Float32Array[]);
      else {
        const { mark } = found as { readonly mark?: unknown };
        calls.expect(Number(mark) >= 0 && Number(mark) <= 1, 'onDevice', 'mark: a number from 0 to 1', () => String(mark));
      }
      return found as StepOutput;
    },
  };
};

/** The device halves of a run's steps, in order, on the calling thread. */
export const loadUpdateSteps = (setups: readonly DefinitionSetup[], wire: UpdateWire, watch?: HookWatch): Promise<readonly BoundStep[]> =>
  Promise.all(
    setups.map(async (setup) => {
      const definition = await loadDefinition(UPDATE_STEP, setup);
      const { options, module } = setup;
      if (module !== undefined) return bindUpdateStep(definition, module.name, options, wire, watch);
      const step = definition.onDevice?.(options, wire) ?? unchanged;
      return { ...half(definition, options, wire), apply: (update, context) => step(update, context) };
    }),
  );

/** What a device draws from, keeps, and received for its steps. */
export type StepInputs = {
  readonly seed: number;
  readonly round: number;
  readonly device: number;
  /** By step, what the device keeps for it; absent: nothing. */
  readonly states?: readonly Float32Array[];
  /** The numbers that server halves announced, one for each step that has one, in order. */
  readonly announced?: readonly number[];
};

export type Stepped<U> = {
  readonly update: U;
  /** One for each step that marks updates, in order. */
  readonly marks: readonly number[];
  /** By step, for the device's next round. */
  readonly states: readonly Float32Array[];
  /** What the numbers of each tensor are multiples of; absent: nothing. */
  readonly grids?: readonly Grid[];
};

const NOTHING = new Float32Array(0);

/** An update after all steps. What a step draws is keyed by its name: it does not depend on the steps before it. */
export const applySteps = <U extends SentUpdate>(steps: readonly BoundStep[], update: U, inputs: StepInputs): Stepped<U> => {
  const { seed, round, device, states: kept = [], announced = [] } = inputs;
  const marks: number[] = [];
  const states: Float32Array[] = [];
  let [current, told] = [update, 0];
  let bound: Bound | null = null;
  let grids: readonly Grid[] | undefined;
  steps.forEach((step, index) => {
    const source: Random = random(seed, 'updates', step.name, round, device);
    const state = (kept[index] ?? NOTHING).slice();
    const context = { source, state, bound, announced: step.traits.announces === true ? (announced[told++] ?? null) : null };
    const found = step.apply(current, context, device);
    const tensors = 'tensors' in found ? found.tensors : found;
    grids = 'grids' in found ? found.grids : undefined;
    if ('mark' in found) {
      marks.push(found.mark);
      bound = found.bound ?? bound;
    }
    bound = step.bound ?? bound;
    states.push(state);
    current = { ...current, tensors };
  });
  return { update: current, marks, states, ...(grids && { grids }) };
};

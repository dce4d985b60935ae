import { random } from '../base/random.js';
import { createCalls } from '../definitions/hook-calls.js';
import type { HookWatch } from '../definitions/hook-watch.js';
import { type DefinitionSetup, loadDefinition } from '../definitions/kind.js';
import type { Dtype } from '../messages/tensor-form.js';
import { AS_CONFIGURED, encodingOf } from './encoding.js';
import { UPDATE_STEP } from './registry.js';
import type { Bound, Encoding, RoundSum, ServerStep, UpdateStepDefinition, UpdateWire } from './update-step.js';

/** The server halves of a run's steps. */
export type ServerSteps = {
  /** Whether any step changes a round's sum: then each update counts once, and means divide by the expected cohort. */
  readonly changeSum: boolean;
  /** How many marks an update carries. */
  readonly marks: number;
  /** Whether devices send no count of records and no loss. */
  readonly hideCounts: boolean;
  /** What numbers of updates travel as; null: as the key `dtype` says. */
  readonly dtype: Dtype | null;
  /** The numbers for the devices of the next round. */
  announced(): readonly number[];
  /** `marks`: Σ over the round's updates, of each step that has marks. Changes the sum in place. */
  aggregate(sum: RoundSum, round: number, marks: readonly number[]): void;
  state(): readonly (readonly number[])[];
  /** Throws for a state that the steps could not have left. */
  restore(state: unknown): void;
};

type Half = {
  readonly name: string;
  readonly traits: UpdateStepDefinition['traits'];
  readonly bound: Bound | null;
  readonly encoding: Encoding;
  readonly step: ServerStep | null;
};

/** A server half of a user's module: what it throws ends in one line of MODULE. */
const guarded = (module: string, step: ServerStep, items: number, watch: HookWatch | undefined): ServerStep => {
  const calls = createCalls(module, items, () => null, watch);
  calls.expect(typeof step?.aggregate === 'function', 'onServer', 'aggregate: a function', () => typeof step?.aggregate);
  return {
    ...step,
    ...(step.announced && {
      announced: () => {
        const told = calls.call('onServer', () => step.announced!());
        calls.expect(Number.isFinite(told), 'onServer', 'announced: a finite number', () => String(told));
        return told;
      },
    }),
    aggregate: (sum, context) => {
      calls.call('onServer', () => step.aggregate(sum, context));
      const odd = sum.tensors.some((values) => values.some((value) => !Number.isFinite(value)));
      calls.expect(!odd, 'onServer', 'finite numbers in the sum', () => 'others');
    },
  };
};

const checkState = (state: unknown, count: number): readonly (readonly number[])[] => {
  const isRight = Array.isArray(state) && state.length === count && state.every((one) => Array.isArray(one) && one.every(Number.isFinite));
  if (!isRight) throw new Error(`update steps: expected ${count} lists of numbers`);
  return state as readonly (readonly number[])[];
};

export const NO_SERVER_STEPS: ServerSteps = {
  changeSum: false,
  marks: 0,
  hideCounts: false,
  dtype: null,
  announced: () => [],
  aggregate: () => {},
  state: () => [],
  restore: (state) => void checkState(state, 0),
};

/** The server halves of a run's steps, in order, on the coordinator's thread. */
export const loadServerSteps = async (
  setups: readonly DefinitionSetup[],
  wire: UpdateWire,
  seed: number,
  watch?: HookWatch,
): Promise<ServerSteps> => {
  const halves: readonly Half[] = await Promise.all(
    setups.map(async (setup): Promise<Half> => {
      const definition = await loadDefinition(UPDATE_STEP, setup);
      const { name, traits } = definition;
      const made = definition.onServer?.(setup.options, wire) ?? null;
      const step = made === null || setup.module === undefined ? made : guarded(setup.module.name, made, wire.items, watch);
      const [bound, encoding] = [definition.bound?.(setup.options) ?? null, definition.encoding?.(setup.options) ?? AS_CONFIGURED];
      return { name, traits, bound, encoding, step };
    }),
  );
  const announcing = halves.filter(({ traits }) => traits.announces === true);
  return {
    changeSum: halves.some(({ step }) => step !== null),
    marks: announcing.length,
    hideCounts: halves.some(({ traits }) => traits.hides.includes('counts')),
    dtype: encodingOf(halves).dtype,
    announced: () => announcing.map(({ step }) => step!.announced!()),
    aggregate: (sum, round, marks) => {
      let bound: Bound | null = null;
      for (const { name, traits, step, bound: own } of halves) {
        // Before `aggregate` moves it: this round's.
        const left: Bound | null = own ?? step?.bound?.() ?? null;
        step?.aggregate(sum, {
          source: random(seed, 'updates', name, round),
          marks: traits.announces === true ? marks[announcing.findIndex((one) => one.name === name)]! : 0,
          bound,
        });
        bound = left ?? bound;
      }
    },
    state: () => halves.map(({ step }) => step?.state?.() ?? []),
    restore: (state) => checkState(state, halves.length).forEach((one, index) => halves[index]!.step?.restore?.(one)),
  };
};

import { describe, expect, it } from 'vitest';
import { random } from '../base/random.js';
import { definitionProblem } from '../definitions/kind.js';
import { decodeTensors } from '../messages/wire-tensor.js';
import { bindUpdateStep } from '../updates/device-steps.js';
import { encodeUpdate } from '../updates/encoding.js';
import { UPDATE_STEP } from '../updates/registry.js';
import type { StepContext, UpdateStepDefinition } from '../updates/update-step.js';
import { SMALL_ITEMS, SMALL_UP, smallUpdates } from './small-updates.js';

export type UpdateStepConformanceOptions = {
  /** Options of the definition, over its defaults. */
  readonly options?: Readonly<Record<string, unknown>>;
};

const WIRE = { up: SMALL_UP, items: SMALL_ITEMS };
const RECORDS = 4;
const bitsOf = ({ buffer, byteOffset, length }: Float32Array): Uint32Array => new Uint32Array(buffer, byteOffset, length);

const serverHalf = (definition: UpdateStepDefinition, chosen: () => unknown): void => {
  const create = () => definition.onServer!(chosen(), WIRE);
  const sumOf = () => ({
    tensors: SMALL_UP.map(({ perRow, shape }) => new Float32Array(shape.reduce((a, b) => a * b, perRow ? SMALL_ITEMS : 1)).fill(1)),
    cohort: 4,
  });
  const run = (step = create(), rounds = 3, from = 1) =>
    Array.from({ length: rounds }, (_, index) => {
      const sum = sumOf();
      step.aggregate(sum, { source: random(1, 'updates', from + index), marks: 2, bound: { norm: 'l2', most: 1 } });
      return [sum.tensors, step.announced?.() ?? null] as const;
    });

  it('changes a sum to finite numbers, the same at every run', () => {
    const rounds = run();
    expect(rounds.flatMap(([tensors]) => tensors.flatMap((values) => Array.from(values))).every(Number.isFinite)).toBe(true);
    expect(run()).toEqual(rounds);
  });

  it('goes on from its state as if it had never stopped', () => {
    const first = create();
    run(first, 2);
    const second = create();
    second.restore?.(structuredClone(first.state?.() ?? []));
    expect(second.announced?.()).toEqual(first.announced?.());
    expect(run(second, 2, 3)).toEqual(run(first, 2, 3));
  });

  it('announces a number if its traits say so', () => {
    expect(Number.isFinite(create().announced?.())).toBe(definition.traits.announces === true);
  });
};

/**
 * The promises of the port of update steps (updates/update-step.ts), as Vitest tests: `import { updateStepConformance } from
 * 'metafleet/testing'`.
 */
export const updateStepConformance = (definition: UpdateStepDefinition, { options = {} }: UpdateStepConformanceOptions = {}): void => {
  const chosen = (): unknown => definition.options.parse(options);
  const bind = () => bindUpdateStep(definition, definition.name, chosen(), WIRE);
  const announced = definition.traits.announces === true ? 0.5 : null;
  const contextOf = (at: number, state = new Float32Array(bind().stateSize(RECORDS))): StepContext => ({
    source: random(1, 'updates', at),
    state,
    bound: null,
    announced,
  });
  /** Three rounds of each device, with what it keeps. */
  const apply = (step = bind()) =>
    smallUpdates(6, 1).map((update, at) => {
      const state = new Float32Array(step.stateSize(RECORDS));
      return [1, 2, 3].map((round) => structuredClone(step.apply(update, contextOf(10 * at + round, state), update.device)));
    });

  describe(`update step ${definition.name}`, () => {
    it('is a definition: name, version, described options with defaults, traits', () => {
      expect(definitionProblem(UPDATE_STEP, definition as unknown)).toBeUndefined();
    });

    it('returns finite tensors of the shapes it was given', () => {
      const step = bind();
      for (const [at, update] of smallUpdates(6, 1).entries()) {
        const found = step.apply(update, contextOf(at), update.device);
        const tensors = 'tensors' in found ? found.tensors : found;
        expect(tensors.map(({ length }) => length)).toEqual(update.tensors.map(({ length }) => length));
        expect(tensors.every((values) => values.every(Number.isFinite))).toBe(true);
      }
    });

    it('is a pure function of the update, the stream and what the device keeps: the same in any thread, and when a round is run again', () => {
      const step = bind();
      const first = apply(step);
      expect(apply(step)).toEqual(first);
      expect(apply()).toEqual(first);
    });

    it('leaves the update that it is given as it is', () => {
      const step = definition.onDevice?.(chosen(), WIRE);
      for (const [at, update] of smallUpdates(6, 1).entries()) {
        const before = structuredClone(update);
        step?.(update, contextOf(at));
        expect(update).toEqual(before);
      }
    });

    it('leaves updates within the bound that it says it leaves', () => {
      const { bound } = bind();
      for (const [at, update] of smallUpdates(6, 1).entries()) {
        const found = bind().apply(update, contextOf(at), update.device);
        const tensors = 'tensors' in found ? found.tensors : found;
        const left = ('bound' in found ? found.bound : undefined) ?? bound;
        const sizes = tensors.flatMap((values) => Array.from(values, Math.abs));
        const norm = left?.norm === 'l1' ? sizes.reduce((sum, size) => sum + size, 0) : Math.hypot(...sizes);
        expect(norm).toBeLessThanOrEqual(left?.most ?? Number.POSITIVE_INFINITY);
      }
    });

    it('travels as it says: what arrives has the bits that it returned', () => {
      const step = bind();
      const { sparse, dtype } = step.encoding;
      for (const [at, update] of smallUpdates(6, 1).entries()) {
        const found = step.apply(update, contextOf(at), update.device);
        const tensors = 'tensors' in found ? found.tensors : found;
        const grids = 'grids' in found ? found.grids : undefined;
        const sent = encodeUpdate(tensors, WIRE.up, update.rows.length, { sparse, dtype: dtype ?? 'f32' }, grids);
        const arrived = decodeTensors(sent, dtype ?? 'f32', WIRE.up, update.rows.length, 'test');
        if (dtype === null || grids !== undefined) expect(arrived.map(bitsOf)).toEqual(tensors.map(bitsOf));
        else expect(arrived.map(({ length }) => length)).toEqual(tensors.map(({ length }) => length));
      }
    });

    if (definition.onServer !== undefined) serverHalf(definition, chosen);
  });
};

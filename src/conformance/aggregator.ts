import { describe, expect, it } from 'vitest';
import type { ClientUpdate } from '../algorithms/port/server.js';
import type { Aggregator, AggregatorDefinition, Combined } from '../coordinator/aggregation/aggregator.js';
import { guardAggregator } from '../coordinator/aggregation/guard-aggregator.js';
import { AGGREGATOR } from '../coordinator/aggregation/registry.js';
import { createUpdateSums } from '../coordinator/aggregation/update-sums.js';
import { definitionProblem } from '../definitions/kind.js';
import { SMALL_ITEMS, SMALL_UP, smallUpdates } from './small-updates.js';

export type AggregatorConformanceOptions = {
  /** Options of the definition, over its defaults. */
  readonly options?: Readonly<Record<string, unknown>>;
};

const COUNTS = [1, 2, 3, 8, 21];

/** The mean that is left, by tensor: what every server half makes of it. */
const meanOf = (combined: Combined): readonly (readonly number[])[] => {
  const sum = combined.kind === 'sum' ? combined.sum : createUpdateSums(SMALL_UP, SMALL_ITEMS).of(combined.updates);
  return sum.tensors.map((values) => Array.from(values, (value) => value / sum.weight));
};

/**
 * The promises of the aggregator port (coordinator/aggregation/aggregator.ts), as Vitest tests: `import { aggregatorConformance } from
 * 'metafleet/testing'`.
 */
export const aggregatorConformance = (definition: AggregatorDefinition, { options = {} }: AggregatorConformanceOptions = {}): void => {
  const create = (): Aggregator =>
    guardAggregator(definition, definition.name, definition.options.parse(options), {
      wire: { down: SMALL_UP, up: SMALL_UP },
      items: SMALL_ITEMS,
    });
  const combine = (updates: readonly ClientUpdate[], aggregator = create()): Combined => structuredClone(aggregator.combine(updates));

  describe(`aggregator ${definition.name}`, () => {
    it('is a definition: name, version, described options with defaults, traits', () => {
      expect(definitionProblem(AGGREGATOR, definition as unknown)).toBeUndefined();
    });

    it.each(COUNTS)('leaves of %i updates what its traits say, with finite numbers and a weight', (count) => {
      const combined = combine(smallUpdates(count, count));
      expect(combined.kind).toBe(definition.traits.leaves);
      expect(combined.kind === 'sum' || combined.updates.length > 0).toBe(true);
      expect(meanOf(combined).flat().every(Number.isFinite)).toBe(true);
    });

    it('is a pure function of the updates, whatever it combined before', () => {
      const [aggregator, updates] = [create(), smallUpdates(8, 1)];
      const before = structuredClone(updates);
      const first = combine(updates, aggregator);
      combine(smallUpdates(5, 2), aggregator);
      expect(combine(updates, aggregator)).toEqual(first);
      expect(combine(updates)).toEqual(first);
      expect(updates).toEqual(before);
    });

    it('leaves nothing of updates that are all zero', () => {
      const zero = smallUpdates(6, 3).map((update) => ({ ...update, tensors: update.tensors.map((values) => values.map(() => 0)) }));
      expect(new Set(meanOf(combine(zero)).flat().map(Math.abs))).toEqual(new Set([0]));
    });

    it('leaves an update on which all devices agree as it is', () => {
      const [one] = smallUpdates(1, 4);
      const alike = smallUpdates(6, 5).map(({ device }) => ({ ...one!, device }));
      const expected = createUpdateSums(SMALL_UP, SMALL_ITEMS).of([one!]);
      const found = meanOf(combine(alike));
      expected.tensors.forEach((values, at) =>
        values.forEach((value, place) => expect(found[at]![place]).toBeCloseTo(value / expected.weight, 5)),
      );
    });
  });
};

import type { z } from 'zod';
import type { Wire } from '../../algorithms/port/definition.js';
import type { ClientUpdate, UpdateSum } from '../../algorithms/port/server.js';

/**
 * How a round's client updates become one: a definition like an algorithm's. An aggregator that leaves updates, some of them or changed,
 * serves every algorithm. One that leaves a sum serves algorithms whose server halves need no more (traits.aggregation `sum`).
 */
export type AggregatorDefinition<Options = unknown> = {
  readonly name: string;
  readonly version: string;
  readonly options: z.ZodType<Options>;
  readonly traits: { readonly leaves: 'updates' | 'sum' };
  create(options: Options, context: AggregatorContext): Aggregator;
};

export type AggregatorContext = { readonly wire: Wire; readonly items: number };

export type Aggregator = {
  /** `updates`: at least one, finite, in DeviceId order. A pure function of them. */
  combine(updates: readonly ClientUpdate[]): Combined;
};

export type Combined =
  | { readonly kind: 'updates'; readonly updates: readonly ClientUpdate[] }
  | { readonly kind: 'sum'; readonly sum: UpdateSum };

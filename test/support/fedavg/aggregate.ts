import type { Algorithm } from '../../../src/algorithms/port/algorithm.js';
import type { ClientUpdate, ServerHalf } from '../../../src/algorithms/port/server.js';
import { createTakeUpdates } from '../../../src/coordinator/aggregation/take-updates.js';
import { meanOf } from '../coordinator/in-process-coordinator.js';
import { WORLD } from './model.js';

/** Hands updates to a server half as a round without another aggregator does: as their weighted sum. */
export const takeUpdates = (algorithm: Algorithm, server: ServerHalf, updates: readonly ClientUpdate[]): void =>
  createTakeUpdates(algorithm, server, WORLD.items, meanOf({ algorithm, world: WORLD })).take(updates, {
    round: 1,
    cohort: updates.length,
    marks: [],
  });

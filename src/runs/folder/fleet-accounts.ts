import { z } from 'zod';
import { BUDGET_BOUNDS, type ProfileRound, type VirtualRound } from '../../events/outcomes.js';
import type { RunStarted } from '../../events/run-event.js';
import { RESOURCES } from '../../messages/device-cost.js';
import { createSketch, SketchStateSchema } from './sketch.js';
import type { FleetSummary, ProfileSums } from './summary.js';

const count = z.number();
const SumsSchema = z.object({
  ...{ assigned: count, trained: count, refused: count, dropped: count, rejected: count, late: count },
  ...{ energy: z.number(), bytesDown: z.number(), bytesUp: z.number() },
  budgets: z.record(z.enum(RESOURCES), z.array(count).length(BUDGET_BOUNDS.length + 1)),
});

/** What the rounds of a simulated fleet cost it so far, as plain JSON: bounded by the number of profiles. */
export const FleetCountsSchema = z.object({ latency: SketchStateSchema, profiles: z.record(z.string(), SumsSchema) });
export type FleetCounts = z.infer<typeof FleetCountsSchema>;

type Sums = z.infer<typeof SumsSchema>;

const plus = (sum: Sums | undefined, round: ProfileRound): Sums => ({
  assigned: (sum?.assigned ?? 0) + round.assigned,
  trained: (sum?.trained ?? 0) + round.trained,
  refused: (sum?.refused ?? 0) + round.refused,
  dropped: (sum?.dropped ?? 0) + round.dropped,
  rejected: (sum?.rejected ?? 0) + round.rejected,
  late: (sum?.late ?? 0) + round.late,
  energy: (sum?.energy ?? 0) + round.energy,
  bytesDown: (sum?.bytesDown ?? 0) + round.bytesDown,
  bytesUp: (sum?.bytesUp ?? 0) + round.bytesUp,
  budgets: Object.fromEntries(
    RESOURCES.map((resource) => [resource, round.budgets[resource].map((devices, bin) => (sum?.budgets[resource][bin] ?? 0) + devices)]),
  ) as Sums['budgets'],
});

export type FleetTally = {
  /** Cost: a sum for each profile and budget, a logarithm for each latency. */
  add(round: VirtualRound): void;
  /** null before the first round of a fleet. */
  counts(): FleetCounts | null;
};

export const fleetTally = (from: FleetCounts | null): FleetTally => {
  const profiles = new Map(Object.entries(from?.profiles ?? {}));
  const latency = createSketch(from?.latency);
  return {
    add: (round) => {
      for (const profile of round.profiles) profiles.set(profile.name, plus(profiles.get(profile.name), profile));
      for (const time of round.latencies) latency.add(time);
    },
    counts: () => (profiles.size === 0 ? null : { latency: latency.state(), profiles: Object.fromEntries(profiles) }),
  };
};

/** null where no fleet is configured, or no round has ended. */
export const summarizeFleet = (fleet: RunStarted['fleet'], counts: FleetCounts | null): FleetSummary | null => {
  if (fleet === null || counts === null) return null;
  const latency = createSketch(counts.latency);
  const profiles = fleet.profiles.flatMap(({ name, devices }): ProfileSums[] => {
    const sums = counts.profiles[name];
    return sums === undefined ? [] : [{ name, devices, ...sums }];
  });
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((q) => latency.quantile(q)) as [number, number, number];
  const answers = latency.count();
  return {
    policy: fleet.policy,
    latencySeconds: { answers, mean: latency.mean(), p50, p95, p99, max: latency.max(), bins: latency.bins() },
    budgetBounds: BUDGET_BOUNDS,
    profiles,
  };
};

import { z } from 'zod';
import { badInput } from '../../base/errors.js';
import { ACTIVITY_GROUPS } from '../../events/evaluation.js';
import { PROTECTED } from '../../events/privacy-spent.js';
import type { Traffic } from '../../events/traffic.js';
import { FleetCountsSchema } from './fleet-accounts.js';
import { createSketch, SketchStateSchema } from './sketch.js';
import type { TrafficRow } from './summary.js';

/** What a summary is made from: plain JSON of some kilobytes, kept with a checkpoint. */
/** By metric; null: nothing was measured, or (JSON has no NaN) training had diverged. */
const Values = z.record(z.string(), z.number().nullable());
const EpochScores = z.object({
  epoch: z.number(),
  round: z.number(),
  valid: Values,
  test: Values,
  groups: z.array(z.object({ group: z.enum(ACTIVITY_GROUPS), devices: z.number(), valid: Values, test: Values })).default([]),
});

const total = z.number().default(0);
/** Absent in snapshots of earlier versions, which knew of no device that did not answer. */
const DeviceCountsSchema = z.object({
  assigned: total,
  refused: total,
  dropped: total,
  rejected: total,
  late: total,
  /** Virtual seconds since the run began, and joules; null where no fleet is configured. */
  virtualSeconds: z.number().nullable().default(null),
  energy: z.number().nullable().default(null),
});

const PrivacySchema = z.object({ epsilon: z.number().nullable(), delta: z.number(), protects: z.enum(PROTECTED) });

const CountsSchema = z.object({
  version: z.literal(1),
  /** Last round counted, and how many were. */
  round: z.number(),
  measured: z.number(),
  clipped: z.number(),
  retries: z.number(),
  updates: z.number(),
  devices: DeviceCountsSchema.prefault({}),
  fleet: FleetCountsSchema.nullable().default(null),
  ratings: z.number(),
  /** After the last round; null: no update step adds noise. */
  privacy: PrivacySchema.nullable().default(null),
  hostsLost: z.number(),
  hostsRestored: z.number(),
  coordinatorsLost: z.number().default(0),
  checkpoints: z.number(),
  residentModelsMax: z.number(),
  residentModelBytesMax: z.number(),
  rssPeakBytes: z.number(),
  wallMillis: z.number(),
  phaseMillis: z.object({ sample: z.number(), generate: z.number(), devices: z.number(), backward: z.number(), step: z.number() }),
  traffic: z.array(
    z.object({
      purpose: z.enum(['training', 'evaluation']),
      kind: z.string(),
      direction: z.enum(['down', 'up']),
      messages: z.number(),
      bytes: z.number(),
    }),
  ),
  roundSketch: SketchStateSchema,
  deviceSketch: SketchStateSchema,
  best: EpochScores.nullable(),
  last: EpochScores.nullable(),
  resumedFrom: z.array(z.number()),
});

export type Counts = z.infer<typeof CountsSchema>;

/** Throws CHECKPOINT naming `place`. */
export const parseCounts = (value: unknown, place: string): Counts => {
  const parsed = CountsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw badInput('CHECKPOINT', place, 'the counts of a run', `${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'invalid'}`);
};

export const noCounts = (): Counts => ({
  version: 1,
  round: 0,
  measured: 0,
  clipped: 0,
  retries: 0,
  updates: 0,
  devices: DeviceCountsSchema.parse({}),
  fleet: null,
  ratings: 0,
  privacy: null,
  hostsLost: 0,
  hostsRestored: 0,
  coordinatorsLost: 0,
  checkpoints: 0,
  residentModelsMax: 0,
  residentModelBytesMax: 0,
  rssPeakBytes: 0,
  wallMillis: 0,
  phaseMillis: { sample: 0, generate: 0, devices: 0, backward: 0, step: 0 },
  traffic: [],
  roundSketch: createSketch().state(),
  deviceSketch: createSketch().state(),
  best: null,
  last: null,
  resumedFrom: [],
});

/** Sums per purpose, direction and kind; rows come out in order of first sight. */
export const trafficTally = (from: readonly TrafficRow[]) => {
  type Cell = { -readonly [Field in keyof TrafficRow]: TrafficRow[Field] };
  const cells = new Map<string, Cell>();
  const add = (purpose: TrafficRow['purpose'], traffic: Traffic | readonly TrafficRow[]): void => {
    for (const { kind, direction, messages, bytes } of traffic) {
      const key = `${purpose} ${direction} ${kind}`;
      const cell = cells.get(key);
      if (cell) {
        cell.messages += messages;
        cell.bytes += bytes;
      } else cells.set(key, { purpose, kind, direction, messages, bytes });
    }
  };
  for (const row of from) add(row.purpose, [row]);
  return { add, rows: (): TrafficRow[] => [...cells.values()].map((cell) => ({ ...cell })) };
};

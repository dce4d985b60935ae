import { z } from 'zod';
import { badInput } from '../../base/errors.js';
import { ACTIVITY_GROUPS, type EpochFinished } from '../../events/evaluation.js';
import { PHASES, type RoundFinished } from '../../events/round.js';
import type { RunEvent, RunStarted } from '../../events/run-event.js';
import { bytesOf, type Traffic } from '../../events/traffic.js';
import { type ProcessSample, processSampler } from './environment.js';
import { FleetCountsSchema, fleetTally, summarizeFleet } from './fleet-accounts.js';
import { createSketch, SketchStateSchema } from './sketch.js';
import type { AtBestAndLast, ByDirection, GroupErrors, RunFacts, Summary, TrafficRow } from './summary.js';

/** JSON has no NaN: a diverged run's errors come back as null. */
const numberOrNull = z.number().nullable();
const Errors = z.object({ mae: numberOrNull, mse: numberOrNull });
const EpochScores = z.object({
  epoch: z.number(),
  round: z.number(),
  valid: Errors,
  test: Errors,
  groups: z.array(z.object({ group: z.enum(ACTIVITY_GROUPS), devices: z.number(), valid: Errors, test: Errors })).default([]),
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

type Counts = z.infer<typeof CountsSchema>;

const parseCounts = (value: unknown, place: string): Counts => {
  const parsed = CountsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw badInput('CHECKPOINT', place, 'the counts of a run', `${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'invalid'}`);
};

const noCounts = (): Counts => ({
  version: 1,
  round: 0,
  measured: 0,
  clipped: 0,
  retries: 0,
  updates: 0,
  devices: DeviceCountsSchema.parse({}),
  fleet: null,
  ratings: 0,
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

export type SummaryBuilder = {
  observe(event: RunEvent): void;
  /** The counts so far, as plain JSON to be kept with a checkpoint of the same round. Some kilobytes, whatever the run's length. */
  snapshot(): unknown;
  /**
   * Counts on from a snapshot, before the first event or when the coordinator is restored. One that is ahead of the round the run then starts from is set aside,
   * since those rounds come again. Throws CHECKPOINT naming `place` when it is of another form.
   */
  restore(snapshot: unknown, place: string): void;
  /** The summary so far; complete after run-finished. */
  summary(): Summary;
};

export type SummaryOptions = {
  /** Wall time and memory of this process, asked for at snapshot() and summary(). */
  readonly sampleProcess?: () => ProcessSample;
};

/** Folds a run's events into its summary. Memory is bounded by the number of message kinds, not by rounds or devices. */
export const createSummary = (facts: RunFacts, { sampleProcess = processSampler() }: SummaryOptions = {}): SummaryBuilder => {
  let counts = noCounts();
  let roundSketch = createSketch();
  let deviceSketch = createSketch();
  let traffic = trafficTally([]);
  let fleet = fleetTally(null);
  let observed = false;
  let started: Started = { devices: facts.dataset.users, parameters: 0, fleet: null };
  let ended: Pick<Summary, 'digest' | 'reason'> = { digest: null, reason: 'unfinished' };

  const countOnFrom = (earlier: Counts): void => {
    counts = structuredClone(earlier);
    roundSketch = createSketch(counts.roundSketch);
    deviceSketch = createSketch(counts.deviceSketch);
    traffic = trafficTally(counts.traffic);
    fleet = fleetTally(counts.fleet);
  };
  /** What rounds cost is counted anew; time and memory were spent all the same, and errors up to the round still hold. */
  const startOver = (round: number): void => {
    const { resumedFrom, wallMillis, rssPeakBytes, coordinatorsLost, best, last } = counts;
    const upTo = (scores: Counts['best']) => (scores && scores.round <= round ? scores : null);
    countOnFrom({ ...noCounts(), resumedFrom, wallMillis, rssPeakBytes, coordinatorsLost, best: upTo(best), last: upTo(last) });
  };
  const countDevices = ({ outcomes, virtual }: RoundFinished): void => {
    const { devices } = counts;
    const sum = (by: Readonly<Record<string, number | undefined>>): number =>
      Object.values(by).reduce<number>((all, count) => all + (count ?? 0), 0);
    devices.assigned += outcomes.assigned;
    devices.refused += sum(outcomes.refused);
    devices.dropped += sum(outcomes.dropped);
    devices.rejected += sum(outcomes.rejected);
    devices.late += outcomes.late;
    if (virtual === null) return;
    fleet.add(virtual);
    devices.virtualSeconds = virtual.end;
    devices.energy = virtual.profiles.reduce((all, { energy }) => all + energy, devices.energy ?? 0);
  };
  const countRound = (event: RoundFinished): void => {
    counts.round = event.round;
    counts.measured++;
    counts.clipped += event.clipped ? 1 : 0;
    counts.retries += event.retries;
    counts.updates += event.outcomes.trained;
    countDevices(event);
    counts.ratings += event.ratings;
    counts.residentModelsMax = Math.max(counts.residentModelsMax, event.residentModels);
    counts.residentModelBytesMax = Math.max(counts.residentModelBytesMax, event.residentBytes);
    for (const phase of PHASES) counts.phaseMillis[phase] += event.phases[phase];
    roundSketch.add(event.millis);
    for (const value of event.deviceMillis) deviceSketch.add(value);
    traffic.add('training', event.traffic);
  };
  const countEpoch = (event: EpochFinished): void => {
    const { epoch, round, groups } = event;
    counts.last = {
      epoch,
      round,
      ...errorsOf(event),
      groups: groups.map(({ group, devices, ...scores }) => ({ group, devices, ...errorsOf(scores) })),
    };
    if (event.best) counts.best = counts.last;
    traffic.add('evaluation', event.traffic);
  };
  const snapshot = (): Counts => {
    const now = sampleProcess();
    return structuredClone({
      ...counts,
      wallMillis: counts.wallMillis + now.wallMillis,
      rssPeakBytes: Math.max(counts.rssPeakBytes, now.rssPeakBytes),
      traffic: traffic.rows(),
      fleet: fleet.counts(),
      roundSketch: roundSketch.state(),
      deviceSketch: deviceSketch.state(),
    });
  };

  return {
    observe(event) {
      observed = true;
      switch (event.type) {
        case 'run-started':
          started = event;
          if (event.round < counts.round) startOver(event.round);
          if (event.round > 0) counts.resumedFrom.push(event.round);
          counts.round = event.round;
          return;
        case 'round':
          return countRound(event);
        case 'epoch':
          return countEpoch(event);
        case 'host-lost':
          counts.hostsLost++;
          return;
        case 'host-restored':
          counts.hostsRestored++;
          return;
        case 'coordinator-lost':
          counts.coordinatorsLost++;
          return;
        case 'coordinator-restored':
          if (event.round < counts.round) startOver(event.round);
          counts.round = event.round;
          return;
        case 'checkpoint-failed':
        case 'checkpoint-refused':
          return;
        case 'checkpoint':
          counts.checkpoints++;
          return;
        case 'run-finished':
          ended = { digest: event.digest, reason: event.reason };
          return;
        default:
          event satisfies never;
      }
    },
    snapshot,
    restore: (earlier, place) => {
      const parsed = parseCounts(earlier, place);
      // Taken up again within one process, its time so far is not another process's.
      const { wallMillis, coordinatorsLost } = counts;
      countOnFrom(observed ? { ...parsed, wallMillis, coordinatorsLost } : parsed);
    },
    summary: () => summarize(facts, started, ended, snapshot()),
  };
};

type Started = Pick<RunStarted, 'devices' | 'parameters' | 'fleet'>;

const summarize = (facts: RunFacts, started: Started, ended: Pick<Summary, 'digest' | 'reason'>, counts: Counts): Summary => {
  const rounds = createSketch(counts.roundSketch);
  const devices = createSketch(counts.deviceSketch);
  const spent = (purpose: TrafficRow['purpose']): ByDirection => bytesOf(counts.traffic.filter((row) => row.purpose === purpose));
  const training = spent('training');
  const phases = Object.fromEntries(
    PHASES.map((phase) => [phase, { millis: counts.phaseMillis[phase], share: ratio(counts.phaseMillis[phase], counts.roundSketch.sum) }]),
  ) as Summary['latency']['phases'];
  return {
    version: 1,
    ...facts,
    ...ended,
    parameters: started.parameters,
    devices: started.devices,
    valid: atBestAndLast(counts, 'valid'),
    test: atBestAndLast(counts, 'test'),
    groups: groupErrors(counts),
    bestEpoch: counts.best?.epoch ?? null,
    lastEpoch: counts.last?.epoch ?? null,
    bytes: {
      total: bytesOf(counts.traffic),
      training,
      evaluation: spent('evaluation'),
      perDevice: { down: ratio(training.down, started.devices), up: ratio(training.up, started.devices) },
      perRound: { down: ratio(training.down, counts.measured), up: ratio(training.up, counts.measured) },
      byKind: counts.traffic,
    },
    messages: counts.traffic.reduce((sum, row) => sum + row.messages, 0),
    latency: {
      roundMillis: { mean: rounds.mean(), p50: rounds.quantile(0.5), p95: rounds.quantile(0.95), max: rounds.max() },
      phases,
      deviceMillis: { mean: devices.mean(), p50: devices.quantile(0.5), p95: devices.quantile(0.95), p99: devices.quantile(0.99) },
    },
    memory: {
      rssPeakBytes: counts.rssPeakBytes,
      residentModelsMax: counts.residentModelsMax,
      residentModelBytesMax: counts.residentModelBytesMax,
    },
    rounds: { total: counts.round, measured: counts.measured, clipped: counts.clipped, retries: counts.retries },
    epochs: counts.last?.epoch ?? 0,
    updates: counts.updates,
    asked: counts.devices,
    fleet: summarizeFleet(started.fleet, counts.fleet),
    ratings: counts.ratings,
    hosts: { lost: counts.hostsLost, restored: counts.hostsRestored },
    coordinators: { lost: counts.coordinatorsLost },
    checkpoints: counts.checkpoints,
    wallMillis: counts.wallMillis,
    resumedFrom: counts.resumedFrom,
  };
};

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

type Parts = Pick<z.infer<typeof EpochScores>, 'valid' | 'test'>;

const errorsOf = ({ valid, test }: Pick<EpochFinished, 'valid' | 'test'>): Parts => ({
  valid: { mae: valid.mae, mse: valid.mse },
  test: { mae: test.mae, mse: test.mse },
});

const atBestAndLast = ({ best, last }: { best: Parts | null; last: Parts | null }, part: 'valid' | 'test'): AtBestAndLast => {
  const pair = (scores: Parts | null) => scores && { mae: scores[part].mae ?? Number.NaN, mse: scores[part].mse ?? Number.NaN };
  return { best: pair(best), last: pair(last) };
};

const groupErrors = (counts: Counts): GroupErrors[] =>
  (counts.last?.groups ?? []).map(({ group, devices, ...last }) => {
    const scores = { best: counts.best?.groups.find((other) => other.group === group) ?? null, last };
    return { group, devices, valid: atBestAndLast(scores, 'valid'), test: atBestAndLast(scores, 'test') };
  });

/** Sums per purpose, direction and kind; rows come out in order of first sight. */
const trafficTally = (from: readonly TrafficRow[]) => {
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

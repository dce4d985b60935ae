import type { EpochFinished } from '../../events/evaluation.js';
import { PHASES, type RoundFinished } from '../../events/round.js';
import type { RunEvent } from '../../events/run-event.js';
import { type Counts, noCounts, parseCounts, trafficTally } from './counts.js';
import { type ProcessSample, processSampler } from './environment.js';
import { fleetTally } from './fleet-accounts.js';
import { createSketch } from './sketch.js';
import { type Started, summarize } from './summarize.js';
import type { RunFacts, Summary } from './summary.js';

export type SummaryBuilder = {
  observe(event: RunEvent): void;
  /** The counts so far, as plain JSON to be kept with a checkpoint of the same round. Some kilobytes, for a run of any length. */
  snapshot(): unknown;
  /**
   * Continues from a snapshot, before the first event or when the coordinator is restored.
   * A snapshot ahead of the round from which the run starts is set aside: those rounds come again.
   * Throws CHECKPOINT naming `place` if it has another form.
   */
  restore(snapshot: unknown, place: string): void;
  /** The summary so far. It is complete after run-finished. */
  summary(): Summary;
};

export type SummaryOptions = {
  /** Wall time and memory of this process, read by snapshot() and summary(). */
  readonly sampleProcess?: () => ProcessSample;
};

const addOutcomes = (devices: Counts['devices'], { outcomes, virtual }: RoundFinished): void => {
  const sum = (by: Readonly<Record<string, number | undefined>>): number =>
    Object.values(by).reduce<number>((all, count) => all + (count ?? 0), 0);
  devices.assigned += outcomes.assigned;
  devices.refused += sum(outcomes.refused);
  devices.dropped += sum(outcomes.dropped);
  devices.rejected += sum(outcomes.rejected);
  devices.late += outcomes.late;
  if (virtual === null) return;
  devices.virtualSeconds = virtual.end;
  devices.energy = virtual.profiles.reduce((all, { energy }) => all + energy, devices.energy ?? 0);
};

const valuesOf = ({ valid, test }: Pick<EpochFinished, 'valid' | 'test'>) => ({ valid: { ...valid.metrics }, test: { ...test.metrics } });

const scoresOf = ({ epoch, round, groups, ...parts }: EpochFinished): NonNullable<Counts['last']> => ({
  epoch,
  round,
  ...valuesOf(parts),
  groups: groups.map(({ group, devices, ...scores }) => ({ group, devices, ...valuesOf(scores) })),
});

/** The counts of a run, and the sketches and sums that are kept with them while it goes on. */
const createTally = () => {
  let counts = noCounts();
  let roundSketch = createSketch();
  let deviceSketch = createSketch();
  let traffic = trafficTally([]);
  let fleet = fleetTally(null);
  const countOnFrom = (earlier: Counts): void => {
    counts = structuredClone(earlier);
    roundSketch = createSketch(counts.roundSketch);
    deviceSketch = createSketch(counts.deviceSketch);
    traffic = trafficTally(counts.traffic);
    fleet = fleetTally(counts.fleet);
  };
  return {
    get counts() {
      return counts;
    },
    countOnFrom,
    /** The cost of rounds is counted anew. Time and memory were spent all the same, and scores up to the round are still valid. */
    startOver: (round: number): void => {
      const { resumedFrom, wallMillis, rssPeakBytes, coordinatorsLost, best, last } = counts;
      const upTo = (scores: Counts['best']) => (scores && scores.round <= round ? scores : null);
      countOnFrom({ ...noCounts(), resumedFrom, wallMillis, rssPeakBytes, coordinatorsLost, best: upTo(best), last: upTo(last) });
    },
    round: (event: RoundFinished): void => {
      counts.round = event.round;
      counts.measured++;
      counts.clipped += event.clipped ? 1 : 0;
      counts.retries += event.retries;
      counts.updates += event.outcomes.trained;
      addOutcomes(counts.devices, event);
      if (event.virtual !== null) fleet.add(event.virtual);
      counts.ratings += event.ratings;
      counts.privacy = event.privacy;
      counts.residentModelsMax = Math.max(counts.residentModelsMax, event.residentModels);
      counts.residentModelBytesMax = Math.max(counts.residentModelBytesMax, event.residentBytes);
      for (const phase of PHASES) counts.phaseMillis[phase] += event.phases[phase];
      roundSketch.add(event.millis);
      for (const value of event.deviceMillis) deviceSketch.add(value);
      traffic.add('training', event.traffic);
    },
    epoch: (event: EpochFinished): void => {
      counts.last = scoresOf(event);
      if (event.best) counts.best = counts.last;
      traffic.add('evaluation', event.traffic);
    },
    snapshot: (now: ProcessSample): Counts =>
      structuredClone({
        ...counts,
        wallMillis: counts.wallMillis + now.wallMillis,
        rssPeakBytes: Math.max(counts.rssPeakBytes, now.rssPeakBytes),
        traffic: traffic.rows(),
        fleet: fleet.counts(),
        roundSketch: roundSketch.state(),
        deviceSketch: deviceSketch.state(),
      }),
  };
};

/** Folds a run's events into its summary. Memory is bounded by the number of message kinds, not by rounds or devices. */
export const createSummary = (facts: RunFacts, { sampleProcess = processSampler() }: SummaryOptions = {}): SummaryBuilder => {
  const tally = createTally();
  let observed = false;
  let started: Started = { devices: facts.dataset.users, parameters: 0, fleet: null };
  let ended: Pick<Summary, 'digest' | 'reason'> = { digest: null, reason: 'unfinished' };
  const goOnFrom = (round: number): void => {
    if (round < tally.counts.round) tally.startOver(round);
    tally.counts.round = round;
  };

  return {
    observe(event) {
      observed = true;
      switch (event.type) {
        case 'run-started':
          started = event;
          goOnFrom(event.round);
          if (event.round > 0) tally.counts.resumedFrom.push(event.round);
          return;
        case 'round':
          return tally.round(event);
        case 'epoch':
          return tally.epoch(event);
        case 'host-lost':
          tally.counts.hostsLost++;
          return;
        case 'host-restored':
          tally.counts.hostsRestored++;
          return;
        case 'coordinator-lost':
          tally.counts.coordinatorsLost++;
          return;
        case 'coordinator-restored':
          return goOnFrom(event.round);
        case 'checkpoint-failed':
        case 'checkpoint-refused':
          return;
        case 'checkpoint':
          tally.counts.checkpoints++;
          return;
        case 'run-finished':
          ended = { digest: event.digest, reason: event.reason };
          return;
        default:
          event satisfies never;
      }
    },
    snapshot: () => tally.snapshot(sampleProcess()),
    restore: (earlier, place) => {
      const parsed = parseCounts(earlier, place);
      // The time so far is this process's own if the run continues within one process.
      const { wallMillis, coordinatorsLost } = tally.counts;
      tally.countOnFrom(observed ? { ...parsed, wallMillis, coordinatorsLost } : parsed);
    },
    summary: () => summarize(facts, started, ended, tally.snapshot(sampleProcess())),
  };
};

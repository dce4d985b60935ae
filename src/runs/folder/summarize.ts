import type { MetricValues } from '../../events/evaluation.js';
import { PHASES } from '../../events/round.js';
import type { RunStarted } from '../../events/run-event.js';
import { bytesOf } from '../../events/traffic.js';
import type { Counts } from './counts.js';
import { summarizeFleet } from './fleet-accounts.js';
import { createSketch } from './sketch.js';
import type { AtBestAndLast, ByDirection, GroupScores, RunFacts, Summary, TrafficRow } from './summary.js';

export type Started = Pick<RunStarted, 'devices' | 'parameters' | 'fleet'>;

/** The summary that counts make, with what was known before the run. */
export const summarize = (facts: RunFacts, started: Started, ended: Pick<Summary, 'digest' | 'reason'>, counts: Counts): Summary => {
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
    groups: groupScores(counts),
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
    ...(counts.privacy !== null && { privacy: counts.privacy }),
    hosts: { lost: counts.hostsLost, restored: counts.hostsRestored },
    coordinators: { lost: counts.coordinatorsLost },
    checkpoints: counts.checkpoints,
    wallMillis: counts.wallMillis,
    resumedFrom: counts.resumedFrom,
  };
};

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

type Parts = Readonly<Record<'valid' | 'test', MetricValues>>;

const atBestAndLast = (
  { best, last }: { readonly best: Parts | null; readonly last: Parts | null },
  part: 'valid' | 'test',
): AtBestAndLast => ({ best: best?.[part] ?? null, last: last?.[part] ?? null });

const groupScores = (counts: Counts): GroupScores[] =>
  (counts.last?.groups ?? []).map(({ group, devices, ...last }) => {
    const scores = { best: counts.best?.groups.find((other) => other.group === group) ?? null, last };
    return { group, devices, valid: atBestAndLast(scores, 'valid'), test: atBestAndLast(scores, 'test') };
  });

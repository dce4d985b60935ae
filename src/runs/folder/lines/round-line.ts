import { median } from '../../../base/median.js';
import type { VirtualRound } from '../../../events/outcomes.js';
import { PHASES, type RoundFinished } from '../../../events/round.js';
import { bytesOf, type Traffic } from '../../../events/traffic.js';

/** Bytes and messages of both directions. */
export const trafficColumns = (traffic: Traffic): Record<'bytesDown' | 'bytesUp' | 'messages', number> => {
  const { down, up } = bytesOf(traffic);
  return { bytesDown: down, bytesUp: up, messages: traffic.reduce((sum, row) => sum + row.messages, 0) };
};

/** One line of rounds.ndjson: flat, so that any table reader takes it. Milliseconds and bytes. */
export const roundLine = (event: RoundFinished): Record<string, number | boolean | null> => {
  return {
    round: event.round,
    epoch: event.epoch,
    cohort: event.cohort,
    ratings: event.ratings,
    loss: event.loss,
    gradientNorm: event.gradientNorm,
    clipped: event.clipped,
    ...trafficColumns(event.traffic),
    millis: event.millis,
    ...Object.fromEntries(PHASES.map((phase) => [`millis${phase[0]!.toUpperCase()}${phase.slice(1)}`, event.phases[phase]])),
    ...spreadColumns('deviceMillis', event.deviceMillis),
    retries: event.retries,
    ...outcomeColumns(event),
    cpuMillis: event.cpuMillis,
    ...(event.privacy !== null && { epsilon: event.privacy.epsilon }),
  };
};

/** Median and maximum; 0 of none. */
const spreadColumns = (name: string, values: readonly number[]): Record<string, number> => {
  const most = values.reduce((max, value) => Math.max(max, value), 0);
  return { [`${name}P50`]: values.length === 0 ? 0 : median(values), [`${name}Max`]: most };
};

/** Seconds of virtual time, and joules. */
const virtualColumns = ({ start, end, latencies, profiles }: VirtualRound): Record<string, number> => ({
  virtualSeconds: end - start,
  ...spreadColumns('virtualLatency', latencies),
  energy: profiles.reduce((sum, { energy }) => sum + energy, 0),
});

const sumOf = (causes: Readonly<Record<string, number>>): number => Object.values(causes).reduce((sum, devices) => sum + devices, 0);

/** What became of the devices; with a fleet, in how many virtual seconds. */
const outcomeColumns = ({
  outcomes: { assigned, trained, refused, dropped, rejected, late },
  virtual,
}: RoundFinished): Record<string, number> => ({
  assigned,
  trained,
  refused: sumOf(refused),
  dropped: sumOf(dropped),
  rejected: sumOf(rejected),
  late,
  ...(virtual === null ? {} : virtualColumns(virtual)),
});

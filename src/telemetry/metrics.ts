import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type EpochFinished, PHASES, type RoundFinished, type RunEvent, type Traffic } from '../coordinator/events.js';

/** The thread pool's state at the moment of a scrape. */
export type PoolSample = {
  /** Tasks waiting for a thread. */
  readonly queued: number;
  /** Share of the threads' time spent on tasks, 0 … 1. */
  readonly utilization: number;
  readonly threads: number;
};

export type MetricsOptions = {
  readonly registry?: Registry;
  /** Asked for at each scrape; without it there are no pool metrics. */
  readonly pool?: (() => PoolSample) | undefined;
};

export type Metrics = {
  readonly registry: Registry;
  /** Cost: about 20 us for a round of 64 devices. */
  observe(event: RunEvent): void;
};

/** 0.1 ms … 100 s: a device's update on a small model, a round on a large one. */
const DURATION_BUCKETS = [1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100];
/** 1 us … 1 s: a device's own work is microseconds when models are small. */
const DEVICE_BUCKETS = [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 1];
/** Kinds are the message union's tags, a dozen. The bound keeps a defect from growing the series without end. */
const MAX_KINDS = 32;

/**
 * Prometheus metrics of a run, in base units (seconds, bytes). No label ever names a device: the number of series depends
 * on message kinds, directions, phases, parts and measures alone.
 * Throws when the registry holds metrics of these names already.
 */
export const createMetrics = ({ registry = new Registry(), pool }: MetricsOptions = {}): Metrics => {
  collectDefaultMetrics({ register: registry });
  if (pool) registerPool(registry, pool);

  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name: `metafleet_${name}`, help, registers });
  const gauge = (name: string, help: string) => new Gauge({ name: `metafleet_${name}`, help, registers });
  /** Absent, not 0, until it is set: an error of 0 would be a lie. */
  const measured = (name: string, help: string) => {
    const absent = gauge(name, help);
    absent.remove();
    return absent;
  };
  const duration = (name: string, help: string, buckets = DURATION_BUCKETS) =>
    new Histogram({ name: `metafleet_${name}_duration_seconds`, help, buckets, registers });

  const devices = gauge('devices', 'Devices in the fleet');
  const items = gauge('items', 'Items that can be rated');
  const parameters = gauge('parameters', 'Numbers the server trains');
  const observeTraffic = trafficCounters(registry);

  const rounds = counter('rounds_total', 'Rounds finished by this process');
  const epochs = counter('epochs_total', 'Epochs evaluated by this process');
  const round = gauge('round', 'Last round finished, counted over the whole run');
  const epoch = gauge('epoch', 'Epoch of the last round');
  const updates = counter('device_updates_total', 'Device updates that entered a round');
  const ratings = counter('ratings_trained_total', 'Ratings trained on, with repetition');
  const activated = counter('devices_activated_total', 'Devices activated on their host');
  const evicted = counter('models_evicted_total', 'Generated models evicted under the memory budget');
  const residentModels = gauge('resident_models', 'Generated models held by the hosts');
  const residentBytes = gauge('resident_model_bytes', 'Bytes of the generated models held by the hosts');
  const clipped = counter('clipped_rounds_total', 'Rounds whose gradient was clipped');
  const retries = counter('round_retries_total', 'Times a round was tried again');

  const roundDuration = duration('round', 'Time from sampling a cohort to the step');
  const deviceDuration = duration('device_update', "A device's local step: decode, forward, backward, encode", DEVICE_BUCKETS);
  const phases = new Histogram({
    name: 'metafleet_phase_duration_seconds',
    help: 'Time of each phase of a round',
    labelNames: ['phase'],
    buckets: DURATION_BUCKETS,
    registers,
  });
  for (const phase of PHASES) phases.zero({ phase });
  const phaseDuration = PHASES.map((phase) => ({ phase, histogram: phases.labels(phase) }));

  const trainLoss = measured('train_loss', "Mean squared error over the last round's batches, before the step");
  const epochLoss = measured('epoch_train_loss', 'Mean train loss of the last epoch, weighted by ratings');
  const gradientNorm = measured('gradient_norm', "Global norm of the last round's mean gradient, before clipping");
  const errors = errorGauges(registry, 'error', 'Error on held-out ratings after the last epoch');
  const bestErrors = errorGauges(registry, 'best_error', 'Error on held-out ratings at the best-validation epoch');

  const hostsLost = counter('hosts_lost_total', 'Device hosts that died');
  const hostsRestored = counter('hosts_restored_total', 'Device hosts started again and reloaded');
  const checkpoints = counter('checkpoints_total', 'Checkpoints written');
  const checkpointBytes = measured('checkpoint_size_bytes', 'Size of the last checkpoint');
  const checkpointDuration = duration('checkpoint', 'Time to write a checkpoint');

  const observeRound = (event: RoundFinished): void => {
    rounds.inc();
    round.set(event.round);
    epoch.set(event.epoch);
    updates.inc(event.cohort);
    ratings.inc(event.ratings);
    activated.inc(event.activated);
    evicted.inc(event.evicted);
    residentModels.set(event.residentModels);
    residentBytes.set(event.residentBytes);
    if (event.clipped) clipped.inc();
    retries.inc(event.retries);
    trainLoss.set(event.loss);
    gradientNorm.set(event.gradientNorm);
    roundDuration.observe(event.millis / 1000);
    for (const { phase, histogram } of phaseDuration) histogram.observe(event.phases[phase] / 1000);
    for (const value of event.deviceMillis) deviceDuration.observe(value / 1000);
    observeTraffic(event.traffic);
  };
  const observeEpoch = (event: EpochFinished): void => {
    epochs.inc();
    epochLoss.set(event.trainLoss);
    errors(event);
    if (event.best) bestErrors(event);
    observeTraffic(event.traffic);
  };

  return {
    registry,
    observe(event) {
      switch (event.type) {
        case 'run-started':
          devices.set(event.devices);
          items.set(event.items);
          parameters.set(event.parameters);
          round.set(event.round);
          return;
        case 'round':
          return observeRound(event);
        case 'epoch':
          return observeEpoch(event);
        case 'host-lost':
          return hostsLost.inc();
        case 'host-restored':
          return hostsRestored.inc();
        case 'checkpoint':
          checkpoints.inc();
          checkpointBytes.set(event.bytes);
          return checkpointDuration.observe(event.millis / 1000);
        case 'run-finished':
          return;
        default:
          event satisfies never;
      }
    },
  };
};

/** Children are looked up once per kind and direction, not once per round. */
const trafficCounters = (registry: Registry): ((traffic: Traffic) => void) => {
  const shared = { labelNames: ['direction', 'kind'] as const, registers: [registry] };
  const bytes = new Counter({ name: 'metafleet_message_bytes_total', help: 'Bytes of messages as encoded; down: to devices', ...shared });
  const messages = new Counter({ name: 'metafleet_messages_total', help: 'Messages; down: to devices', ...shared });
  const child = (direction: 'down' | 'up', kind: string) => ({
    bytes: bytes.labels(direction, kind),
    messages: messages.labels(direction, kind),
  });
  const children = { down: new Map<string, ReturnType<typeof child>>(), up: new Map<string, ReturnType<typeof child>>() };
  return (traffic) => {
    for (const row of traffic) {
      const known = children[row.direction];
      const kind = known.has(row.kind) || known.size < MAX_KINDS ? row.kind : 'other';
      const cached = known.get(kind) ?? child(row.direction, kind);
      known.set(kind, cached);
      cached.bytes.inc(row.bytes);
      cached.messages.inc(row.messages);
    }
  };
};

/** Labelled gauges have no series until they are set. */
const errorGauges = (registry: Registry, name: string, help: string): ((event: EpochFinished) => void) => {
  const gauge = new Gauge({ name: `metafleet_${name}`, help, labelNames: ['part', 'measure'], registers: [registry] });
  return (event) => {
    for (const part of ['valid', 'test'] as const) {
      for (const measure of ['mae', 'mse'] as const) gauge.set({ part, measure }, event[part][measure]);
    }
  };
};

const registerPool = (registry: Registry, pool: () => PoolSample): void => {
  const sampled = (name: string, help: string, read: (sample: PoolSample) => number) =>
    new Gauge({
      name: `metafleet_pool_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read(pool()));
      },
    });
  sampled('queue_size', 'Tasks waiting for a thread of the pool', (sample) => sample.queued);
  sampled('utilization_ratio', "Share of the threads' time spent on tasks", (sample) => sample.utilization);
  sampled('threads', 'Threads of the pool', (sample) => sample.threads);
};

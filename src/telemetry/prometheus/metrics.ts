import { Registry } from 'prom-client';
import { REJECTIONS } from '../../events/outcomes.js';
import type { RunEvent } from '../../events/run-event.js';
import { DROP_STAGES, RESOURCES } from '../../messages/device-cost.js';
import { REFUSALS } from '../../messages/message.js';
import { fleetMetrics } from './fleet-metrics.js';
import { createInstruments, type Instruments } from './instruments.js';
import { latencyMetrics } from './latency-metrics.js';
import { learningMetrics } from './learning-metrics.js';
import { outcomeMetrics } from './outcome-metrics.js';
import { type PoolSample, processMetrics } from './process-metrics.js';
import type { Subject } from './subject.js';
import { trafficMetrics } from './traffic-metrics.js';
import { virtualMetrics } from './virtual-metrics.js';

/** The facts that identify a run. `run` is a label of every series. All of them are labels of metafleet_run_info. */
export type RunLabels = Readonly<Record<(typeof RUN_LABELS)[number], string>>;
export const RUN_LABELS = ['run', 'algorithm', 'data', 'delivery', 'dtype', 'seed', 'version'] as const;

export type MetricsOptions = {
  readonly registry?: Registry;
  readonly run?: RunLabels | undefined;
  /** Read at each scrape. Without it there are no pool metrics. */
  readonly pool?: (() => PoolSample) | undefined;
};

export type Metrics = {
  readonly registry: Registry;
  /** The cost grows with the devices of a round, for their latencies. `npm run bench observers` measures it. */
  observe(event: RunEvent): void;
};

/** The values of the metrics' labels. No label names a device: series do not grow with the fleet. */
export const LABELS: Readonly<Record<string, string>> = {
  run: 'name of the run folder; on every series',
  direction: '`down`: to devices; `up`: from them',
  kind: 'kind of message: assign, want, model, update, score, refuse; `evaluation_…`: of a measurement on held-out ratings',
  dtype: 'f32, f16, int8 or int4; none: messages without tensors',
  phase: 'sample, generate, devices, backward, step',
  thread: 'coordinator; host: all host threads together',
  part: 'valid, test: which held-out ratings',
  metric: 'name of a metric of the run, such as `mse` or `ndcg@10`',
  reason: `of a refusal: ${REFUSALS.join(', ')}; of a drop: ${DROP_STAGES.join(', ')}; of a rejection: ${REJECTIONS.join(', ')}`,
  class: 'device class (profile) of the simulated fleet',
  resource: RESOURCES.join(', '),
  outcome: 'assigned, and the outcomes of these: trained, refused, dropped, rejected, late',
  step: 'down, compute, up',
  group: 'low, medium, high: the devices with the fewest, middling and the most training ratings',
};

/**
 * Prometheus metrics of a run, in base units (seconds, bytes): dashboards/METRICS.md lists them.
 * Throws when the registry holds metrics of these names already.
 */
export const createMetrics = ({ registry = new Registry(), run, pool }: MetricsOptions = {}): Metrics => {
  if (run !== undefined) registry.setDefaultLabels({ run: run.run });
  const instruments = createInstruments(registry);
  const subjects = [
    runMetrics(instruments, run),
    trafficMetrics(instruments),
    latencyMetrics(instruments),
    learningMetrics(instruments),
    fleetMetrics(instruments),
    outcomeMetrics(instruments),
    virtualMetrics(instruments),
    processMetrics(instruments, pool),
  ];
  return {
    registry,
    observe(event) {
      for (const subject of subjects) {
        if (event.type === 'round') subject.round?.(event);
        else if (event.type === 'epoch') subject.epoch?.(event);
        else if (event.type === 'run-started') subject.started?.(event);
        else subject.other?.(event);
      }
    },
  };
};

const runMetrics = ({ gauge, gauges }: Instruments, run: RunLabels | undefined): Subject => {
  const info = gauges('run_info', RUN_LABELS, 'Always 1; its labels describe the run');
  if (run !== undefined) info(run).value = 1;
  const active = gauge('run_active', '1 while the run trains, 0 once it has ended');
  const progress = gauge('last_progress_timestamp_seconds', 'Time of the last round, measurement or checkpoint');
  const touch = (): void => {
    progress.value = Date.now() / 1000;
  };
  return {
    started: () => {
      active.value = 1;
      touch();
    },
    round: touch,
    epoch: touch,
    other: ({ type }) => {
      if (type === 'run-finished') active.value = 0;
      if (type === 'checkpoint') touch();
    },
  };
};

import { PHASES, THREAD_ROLES } from '../../events/round.js';
import type { Instruments } from './instruments.js';
import { DURATION_BOUNDS, type Subject } from './subject.js';

/** 1 us … 1 s: with small models, a device's own work takes microseconds. */
const DEVICE_BOUNDS = [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

/** Times on this machine's clock. */
export const latencyMetrics = ({ histogram, histograms }: Instruments): Subject => {
  const round = histogram('round_duration_seconds', DURATION_BOUNDS, 'Time from sampling a cohort to the step');
  const phase = histograms('phase_duration_seconds', ['phase'], DURATION_BOUNDS, 'Time of each phase of a round');
  const device = histogram('device_update_duration_seconds', DEVICE_BOUNDS, "A device's local step: decode, forward, backward, encode");
  const queue = histograms(
    'queue_wait_seconds',
    ['direction'],
    DURATION_BOUNDS,
    'Time that a frame of messages waited for its receiving thread: a host (down), the coordinator (up)',
  );
  const lag = histograms(
    'event_loop_lag_seconds',
    ['thread'],
    DURATION_BOUNDS,
    'Longest delay of an event loop in each round, among the threads of a role',
  );
  const evaluation = histogram('evaluation_duration_seconds', DURATION_BOUNDS, 'Time to measure all devices on their held-out ratings');
  const checkpoint = histogram('checkpoint_duration_seconds', DURATION_BOUNDS, 'Time to write a checkpoint');

  const phases = PHASES.map((name) => ({ name, time: phase({ phase: name }) }));
  const queues = { down: queue({ direction: 'down' }), up: queue({ direction: 'up' }) };
  const lags = THREAD_ROLES.map((thread) => ({ thread, time: lag({ thread }) }));
  return {
    round: (event) => {
      round.observe(event.millis / 1000);
      for (const { name, time } of phases) time.observe(event.phases[name] / 1000);
      for (const value of event.deviceMillis) device.observe(value / 1000);
      for (const direction of ['down', 'up'] as const) {
        for (const value of event.queueMillis[direction]) queues[direction].observe(value / 1000);
      }
      for (const { thread, time } of lags) time.observe(event.threads[thread].lagMillis / 1000);
    },
    epoch: ({ millis }) => evaluation.observe(millis / 1000),
    other: (event) => {
      if (event.type === 'checkpoint') checkpoint.observe(event.millis / 1000);
    },
  };
};

import { BUDGET_BOUNDS, type ProfileRound } from '../../events/outcomes.js';
import type { RunStarted } from '../../events/run-event.js';
import { RESOURCES } from '../../messages/device-cost.js';
import type { Instruments } from './instruments.js';
import type { Subject } from './subject.js';

/** 0.1 s … 28 h: the virtual time of devices. */
const VIRTUAL_BOUNDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 100_000];
/** A fleet's description has a handful of classes. With the bound, a generated description cannot add series without end. */
const MAX_CLASSES = 24;

/** The costs of the simulated devices, by class. There are none without a fleet. */
export const virtualMetrics = ({ counters, gauge, gauges, histogram, histograms }: Instruments): Subject => {
  const labels = ['class'];
  const time = gauge('virtual_time_seconds', 'Virtual time at the end of the last round');
  const round = histogram('virtual_round_duration_seconds', VIRTUAL_BOUNDS, 'Time of a round on real devices, in virtual time');
  const latency = histogram(
    'virtual_device_latency_seconds',
    VIRTUAL_BOUNDS,
    'Time from the request to a device to the arrival of its answer, in virtual time',
  );
  const steps = counters('virtual_device_seconds_total', ['step'], "Devices' virtual time spent receiving, computing and sending");
  const devices = gauges('class_devices', labels, 'Devices of a class');
  const outcomes = counters('class_outcomes_total', ['class', 'outcome'], 'Outcomes of the devices that rounds asked, by class');
  const energy = counters('device_energy_joules_total', labels, 'Energy spent by devices');
  const bytes = counters('device_bytes_total', ['class', 'direction'], 'Bytes that devices received (down) and sent (up)');
  const operations = counters('device_operations_total', labels, 'Arithmetic operations of devices');
  const budget = histograms(
    'device_budget_used_ratio',
    ['class', 'resource'],
    BUDGET_BOUNDS,
    'Used share of a budget, of the devices that rounds asked; above 1: more than the budget',
  );
  const exhausted = counters(
    'device_budgets_exhausted_total',
    ['resource'],
    'Devices that rounds asked and that had used more than 90 % of a budget',
  );

  const classOf = (name: string) => ({
    outcomes: OUTCOMES.map((outcome) => ({ outcome, count: outcomes({ class: name, outcome }) })),
    energy: energy({ class: name }),
    down: bytes({ class: name, direction: 'down' }),
    up: bytes({ class: name, direction: 'up' }),
    operations: operations({ class: name }),
    budgets: RESOURCES.map((resource) => ({ resource, used: budget({ class: name, resource }), full: exhausted({ resource }) })),
  });
  const known = new Map<string, ReturnType<typeof classOf>>();
  const find = (name: string): ReturnType<typeof classOf> => {
    const label = known.has(name) || known.size < MAX_CLASSES ? name : 'other';
    const found = known.get(label) ?? classOf(label);
    known.set(label, found);
    return found;
  };
  const observeClass = (event: ProfileRound): void => {
    const cells = find(event.name);
    for (const { outcome, count } of cells.outcomes) count.value += event[outcome];
    cells.energy.value += event.energy;
    cells.down.value += event.bytesDown;
    cells.up.value += event.bytesUp;
    cells.operations.value += event.operations;
    for (const { resource, used, full } of cells.budgets) {
      const counts = event.budgets[resource];
      used.add(counts, binnedSum(counts));
      full.value += counts.slice(FULL).reduce((sum, count) => sum + count, 0);
    }
  };
  return {
    started: ({ fleet }: RunStarted) => {
      for (const { name, devices: count } of fleet?.profiles ?? []) {
        find(name);
        devices({ class: name }).value = count;
      }
    },
    round: ({ virtual }) => {
      if (virtual === null) return;
      time.value = virtual.end;
      round.observe(virtual.end - virtual.start);
      for (const value of virtual.latencies) latency.observe(value);
      for (const step of STEPS) steps({ step }).value += virtual[step];
      for (const profile of virtual.profiles) observeClass(profile);
    },
  };
};

const STEPS = ['down', 'compute', 'up'] as const;
const OUTCOMES = ['assigned', 'trained', 'refused', 'dropped', 'rejected', 'late'] as const;
/** The first bin above nine tenths of a budget. */
const FULL = BUDGET_BOUNDS.indexOf(0.9) + 1;

/** A bin has no more than its bounds. Each device counts as the upper one. */
const binnedSum = (counts: readonly number[]): number => counts.reduce((sum, count, bin) => sum + count * (BUDGET_BOUNDS[bin] ?? 1), 0);

import { REJECTIONS } from '../../events/outcomes.js';
import { DROP_STAGES } from '../../messages/device-cost.js';
import { REFUSALS } from '../../messages/message.js';
import type { Counter, Family, Instruments } from './instruments.js';
import type { Subject } from './subject.js';

/** Steps of Θ between a model and its update. */
const STALENESS_BOUNDS = [0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50];

/** The outcomes of the devices that rounds asked, and their reasons. */
export const outcomeMetrics = ({ counter, counters, gauge, histogram }: Instruments): Subject => {
  const assigned = counter('devices_assigned_total', 'Devices that rounds asked');
  const updates = counter('device_updates_total', 'Client updates that changed the model');
  const refused = counters('device_refusals_total', ['reason'], 'Devices that refused to take part');
  const dropped = counters('devices_dropped_total', ['reason'], 'Devices that fell silent or were not reached');
  const rejected = counters('updates_rejected_total', ['reason'], 'Updates that the coordinator rejected');
  const late = counter('updates_late_total', 'Updates that came after their round had ended');
  const duplicates = counter('duplicate_answers_total', 'Answers that no round waited for, such as copies');
  const inFlight = gauge('devices_in_flight', 'Devices at work when the last round ended (buffered rounds)');
  const staleness = histogram('update_staleness_rounds', STALENESS_BOUNDS, 'Steps of the model between its delivery and its update');

  const byReason = [
    { field: 'refused', count: reasons(refused, REFUSALS) },
    { field: 'dropped', count: reasons(dropped, DROP_STAGES) },
    { field: 'rejected', count: reasons(rejected, REJECTIONS) },
  ] as const;
  return {
    round: ({ outcomes, duplicates: copies, staleness: waits }) => {
      assigned.value += outcomes.assigned;
      updates.value += outcomes.trained;
      for (const { field, count } of byReason) count(outcomes[field]);
      late.value += outcomes.late;
      duplicates.value += copies;
      inFlight.value = outcomes.inFlight;
      waits.forEach((count, steps) => {
        for (let i = 0; i < count; i++) staleness.observe(steps);
      });
    },
  };
};

/** Every reason has its series from the start, so that a rate includes the first one. */
const reasons = (family: Family<Counter>, known: readonly string[]) => {
  const cells = new Map(known.map((reason) => [reason, family({ reason })]));
  return (counts: Readonly<Record<string, number>>): void => {
    for (const reason in counts) {
      const cell = cells.get(reason);
      if (cell !== undefined) cell.value += counts[reason]!;
    }
  };
};

import { buckets, type Dashboard, RUN, sumRate } from './panels.js';

const RESOURCES = [
  ['memory', 'Memory', 'The model and the ratings of a device while it trains, as a share of its memory limit'],
  ['storage', 'Storage', 'The ratings of a device and its state, as a share of its storage limit'],
  ['dataPlan', 'Data plan', "Bytes both ways, of the period's allowance"],
  ['battery', 'Battery', 'What is missing from a full one'],
  ['compute', 'Compute', 'Share of the seconds that went into computing'],
] as const;

export const deviceBudgets: Dashboard = {
  uid: 'metafleet-budgets',
  title: 'metafleet: Device budgets',
  description: 'What devices have spent of memory, storage, data plan, battery and compute, by class; who refuses and why',
  rows: [
    {
      title: 'Used of each budget',
      panels: [
        {
          title: 'Used, p95, by resource',
          description: 'Of the devices asked, 95 % have used less',
          unit: 'percentunit',
          queries: { '{{resource}}': `max by (run, resource) (run_class_resource:metafleet_device_budget_used_ratio:p95_rate5m{${RUN}})` },
          warn: 0.75,
          alarm: 0.9,
          max: 1,
        },
        {
          title: 'Devices above 90 % of a budget',
          description: 'Share of the devices asked; alerts fire from 25 %',
          unit: 'percentunit',
          queries: { '{{resource}}': `run_resource:metafleet_device_budgets_exhausted:ratio_rate5m{${RUN}}` },
          warn: 0.1,
          alarm: 0.25,
        },
        {
          title: 'Used, p95, by class',
          description: 'The resource each class is shortest of',
          form: 'bars',
          unit: 'percentunit',
          queries: {
            '{{class}} {{resource}}': `topk by (class) (1, run_class_resource:metafleet_device_budget_used_ratio:p95_rate5m{${RUN}})`,
          },
          warn: 0.75,
          alarm: 0.9,
          max: 1,
        },
        ...RESOURCES.map(([resource, title, description]) => ({
          title: `${title}: devices by share used`,
          description,
          form: 'heatmap' as const,
          unit: 'percentunit',
          queries: buckets('metafleet_device_budget_used_ratio', `resource="${resource}"`),
        })),
        {
          title: 'Refused for want of a budget',
          description: 'Devices a second, by what they lack',
          form: 'stack',
          unit: 'short',
          queries: { '{{reason}}': sumRate('metafleet_device_refusals_total', 'reason', 'reason=~"memory|storage|data plan|battery"') },
        },
      ],
    },
    {
      title: 'By class of device',
      panels: [
        {
          title: 'Devices',
          description: 'Of each class in the fleet',
          form: 'bars',
          unit: 'short',
          queries: { '{{class}}': `sum by (class) (metafleet_class_devices{${RUN}})` },
        },
        {
          title: 'Asked',
          description: 'Devices a second',
          form: 'stack',
          unit: 'short',
          queries: { '{{class}}': sumRate('metafleet_class_outcomes_total', 'class', 'outcome="assigned"') },
        },
        {
          title: 'Trained, of those asked',
          description: 'Who is left out: the lower, the less a class takes part',
          unit: 'percentunit',
          queries: {
            '{{class}}': `${sumRate('metafleet_class_outcomes_total', 'class', 'outcome="trained"')} / ${sumRate('metafleet_class_outcomes_total', 'class', 'outcome="assigned"')}`,
          },
          max: 1,
        },
        {
          title: 'Refused, of those asked',
          description: 'By class',
          unit: 'percentunit',
          queries: {
            '{{class}}': `${sumRate('metafleet_class_outcomes_total', 'class', 'outcome="refused"')} / ${sumRate('metafleet_class_outcomes_total', 'class', 'outcome="assigned"')}`,
          },
          max: 1,
        },
        {
          title: 'Energy',
          description: 'Joules of all devices of a class together, per second of wall time',
          form: 'stack',
          unit: 'joule',
          queries: { '{{class}}': sumRate('metafleet_device_energy_joules_total', 'class') },
        },
        {
          title: 'Energy of an update',
          description: 'Joules spent for each update that stepped the model',
          unit: 'joule',
          queries: {
            '{{class}}': `${sumRate('metafleet_device_energy_joules_total', 'class')} / ${sumRate('metafleet_class_outcomes_total', 'class', 'outcome="trained"')}`,
          },
        },
        {
          title: 'Bytes',
          description: 'Received (down) and sent (up)',
          unit: 'Bps',
          queries: { '{{class}} {{direction}}': sumRate('metafleet_device_bytes_total', 'class, direction') },
        },
        {
          title: 'Operations',
          description: 'Arithmetic of local training, per second of wall time',
          unit: 'ops',
          queries: { '{{class}}': sumRate('metafleet_device_operations_total', 'class') },
        },
      ],
    },
  ],
};

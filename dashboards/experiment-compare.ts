import { type Dashboard, METRIC, quantile, RUN } from './panels.js';

const byRun = (metric: string, labels = ''): string => `max by (run) (${metric}{${RUN}${labels === '' ? '' : `,${labels}`}})`;

export const experimentCompare: Dashboard = {
  uid: 'metafleet-compare',
  title: 'metafleet: Experiment compare',
  description: 'Several runs side by side: what they are, what they learned, what it cost',
  manyRuns: true,
  rows: [
    {
      title: 'Runs',
      panels: [
        {
          title: 'What, and what came of it',
          description: 'At the end of the time shown; the chosen metric at the best epoch by validation',
          form: 'table',
          unit: 'short',
          queries: {
            running: `max by (run, algorithm, data, delivery, dtype, seed) (metafleet_run_info{${RUN}} * on (run, instance) group_left () metafleet_run_active{${RUN}})`,
            rounds: byRun('metafleet_round'),
            'test metric': byRun('metafleet_best_metric', `part="test",${METRIC}`),
            'valid metric': byRun('metafleet_best_metric', `part="valid",${METRIC}`),
            'bytes down': `sum by (run) (metafleet_message_bytes_total{${RUN},direction="down"})`,
            'bytes up': `sum by (run) (metafleet_message_bytes_total{${RUN},direction="up"})`,
            'virtual seconds': byRun('metafleet_virtual_time_seconds'),
            joules: `sum by (run) (metafleet_device_energy_joules_total{${RUN}})`,
          },
        },
      ],
    },
    {
      title: 'Learning',
      panels: [
        {
          title: 'Chosen metric, validation',
          description: 'After each epoch',
          unit: 'short',
          queries: { '{{run}}': byRun('metafleet_metric', `part="valid",${METRIC}`) },
        },
        {
          title: 'Chosen metric, best test',
          description: 'At the best epoch by validation so far',
          unit: 'short',
          queries: { '{{run}}': byRun('metafleet_best_metric', `part="test",${METRIC}`) },
        },
        {
          title: 'Train loss',
          description: "Mean squared error over the last round's batches",
          unit: 'short',
          queries: { '{{run}}': byRun('metafleet_train_loss') },
        },
      ],
    },
    {
      title: 'Cost',
      panels: [
        {
          title: 'Bytes down',
          description: 'To devices, since the process began',
          unit: 'bytes',
          queries: { '{{run}}': `sum by (run) (metafleet_message_bytes_total{${RUN},direction="down"})` },
        },
        {
          title: 'Bytes up',
          description: 'From devices, since the process began',
          unit: 'bytes',
          queries: { '{{run}}': `sum by (run) (metafleet_message_bytes_total{${RUN},direction="up"})` },
        },
        {
          title: 'Bytes for an update',
          description: 'Both ways, measurements included, for each update that stepped the model',
          unit: 'bytes',
          queries: {
            '{{run}}': `sum by (run) (metafleet_message_bytes_total{${RUN}}) / sum by (run) (metafleet_device_updates_total{${RUN}})`,
          },
        },
        {
          title: 'Round, p95',
          description: 'On this machine, over five minutes',
          unit: 's',
          queries: { '{{run}}': `run:metafleet_round_duration_seconds:p95_rate5m{${RUN}}` },
        },
        {
          title: "A device's step, p99",
          description: 'On this machine, over five minutes',
          unit: 's',
          queries: { '{{run}}': `run:metafleet_device_update_duration_seconds:p99_rate5m{${RUN}}` },
        },
        {
          title: "A device's answer, p95",
          description: 'In virtual time',
          unit: 's',
          queries: { '{{run}}': quantile(0.95, 'metafleet_virtual_device_latency_seconds') },
        },
        {
          title: 'Energy',
          description: 'Of all devices, since the process began',
          unit: 'joule',
          queries: { '{{run}}': `sum by (run) (metafleet_device_energy_joules_total{${RUN}})` },
        },
        {
          title: 'Updates of those asked',
          description: 'Since the process began',
          unit: 'percentunit',
          queries: {
            '{{run}}': `sum by (run) (metafleet_device_updates_total{${RUN}}) / sum by (run) (metafleet_devices_assigned_total{${RUN}})`,
          },
        },
        {
          title: 'Memory',
          description: 'RSS of the process',
          unit: 'bytes',
          queries: { '{{run}}': byRun('process_resident_memory_bytes') },
        },
      ],
    },
  ],
};

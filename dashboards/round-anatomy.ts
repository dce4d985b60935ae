import { buckets, type Dashboard, quantile, quantiles, RUN, rate, sumRate } from './panels.js';

const perRound = (sum: string): string =>
  `${sumRate(sum, 'phase')} / on (run) group_left () sum by (run) (${rate('metafleet_round_duration_seconds_count')})`;

export const roundAnatomy: Dashboard = {
  uid: 'metafleet-round',
  title: 'metafleet: Round anatomy',
  description: 'Where the time of a round goes: on this machine, and on the devices it stands for',
  rows: [
    {
      title: 'On this machine',
      panels: [
        {
          title: 'Round',
          description: 'From sampling a cohort to the step',
          unit: 's',
          queries: quantiles('metafleet_round_duration_seconds'),
        },
        {
          title: 'Phases of a round',
          description: 'Mean time of each; devices: waiting for the cohort after all models were generated',
          form: 'stack',
          unit: 's',
          queries: { '{{phase}}': perRound('metafleet_phase_duration_seconds_sum') },
        },
        {
          title: 'Rounds by duration',
          description: 'How many took how long',
          form: 'heatmap',
          unit: 's',
          queries: buckets('metafleet_round_duration_seconds'),
        },
        {
          title: "A device's step",
          description: 'Decode, forward, backward, encode',
          unit: 's',
          queries: quantiles('metafleet_device_update_duration_seconds'),
        },
        {
          title: "Devices' steps by duration",
          description: 'How many took how long',
          form: 'heatmap',
          unit: 's',
          queries: buckets('metafleet_device_update_duration_seconds'),
        },
        {
          title: 'Wait of a frame for its thread, p95',
          description: 'down: for a host, busy with the frame before; up: for the coordinator, busy generating',
          unit: 's',
          queries: { '{{direction}}': quantile(0.95, 'metafleet_queue_wait_seconds', 'direction') },
        },
        {
          title: 'Event-loop lag, p95',
          description:
            'Longest delay in a round; the coordinator and hosts compute in long stretches, the main thread should never be held up',
          unit: 's',
          queries: {
            '{{thread}}': quantile(0.95, 'metafleet_event_loop_lag_seconds', 'thread'),
            main: `nodejs_eventloop_lag_p99_seconds{${RUN}}`,
          },
        },
        {
          title: 'Measuring on held-out ratings',
          description: 'Mean time of a measurement of all devices',
          unit: 's',
          queries: {
            mean: `sum by (run) (metafleet_evaluation_duration_seconds_sum{${RUN}}) / sum by (run) (metafleet_evaluation_duration_seconds_count{${RUN}})`,
          },
        },
        {
          title: 'Writing a checkpoint',
          description: 'Mean time',
          unit: 's',
          queries: {
            mean: `sum by (run) (metafleet_checkpoint_duration_seconds_sum{${RUN}}) / sum by (run) (metafleet_checkpoint_duration_seconds_count{${RUN}})`,
          },
        },
      ],
    },
    {
      title: 'On real devices (virtual time)',
      panels: [
        {
          title: 'Virtual round',
          description: 'From the first device asked to the step',
          unit: 's',
          queries: quantiles('metafleet_virtual_round_duration_seconds'),
        },
        {
          title: "A device's answer",
          description: 'From being asked to the arrival of the answer',
          unit: 's',
          queries: quantiles('metafleet_virtual_device_latency_seconds'),
        },
        {
          title: "Where a device's time goes",
          description: 'Share of receiving, computing and sending',
          form: 'stack',
          unit: 'percentunit',
          queries: {
            '{{step}}': `${sumRate('metafleet_virtual_device_seconds_total', 'step')} / on (run) group_left () sum by (run) (${rate('metafleet_virtual_device_seconds_total')})`,
          },
          max: 1,
        },
        {
          title: 'Answers by latency',
          description: 'How many took how long',
          form: 'heatmap',
          unit: 's',
          queries: buckets('metafleet_virtual_device_latency_seconds'),
        },
        {
          title: 'Virtual against wall time',
          description: 'Seconds of the simulated fleet that pass in a second here',
          unit: 'short',
          queries: { 'times faster': `deriv(metafleet_virtual_time_seconds{${RUN}}[$__rate_interval])` },
        },
        {
          title: 'Virtual time',
          description: 'Since the run began',
          unit: 's',
          queries: { time: `metafleet_virtual_time_seconds{${RUN}}` },
        },
      ],
    },
  ],
};

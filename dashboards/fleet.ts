import { buckets, type Dashboard, quantile, RUN, sumRate } from './panels.js';

export const fleet: Dashboard = {
  uid: 'metafleet-fleet',
  title: 'metafleet: Fleet',
  description: 'One run at a glance: progress, devices and what became of them, traffic, hosts, process',
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Round',
          description: 'Last round finished, over the whole run',
          form: 'number',
          unit: 'short',
          queries: { round: `max by (run) (metafleet_round{${RUN}})` },
        },
        {
          title: 'Done',
          description: 'Share of the planned rounds; early stopping may end the run before',
          form: 'number',
          unit: 'percentunit',
          queries: { done: `max by (run) (metafleet_round{${RUN}} / metafleet_planned_rounds{${RUN}})` },
        },
        {
          title: 'Rounds',
          description: 'Rounds a second, over five minutes',
          form: 'number',
          unit: 'short',
          queries: { 'rounds/s': `run:metafleet_rounds:rate5m{${RUN}}` },
        },
        {
          title: 'Devices',
          description: 'Devices in the fleet',
          form: 'number',
          unit: 'short',
          queries: { devices: `max by (run) (metafleet_devices{${RUN}})` },
        },
        {
          title: 'Hosts lost',
          description: 'Host threads that died; each is loaded again and its round repeated',
          form: 'number',
          unit: 'short',
          queries: { lost: `sum by (run) (metafleet_hosts_lost_total{${RUN}})` },
          warn: 1,
          alarm: 5,
        },
        {
          title: 'Rejected',
          description: 'Share of the updates that the coordinator threw away, over five minutes',
          form: 'number',
          unit: 'percentunit',
          queries: { rejected: `run:metafleet_updates_rejected:ratio_rate5m{${RUN}}` },
          warn: 0.01,
          alarm: 0.05,
        },
      ],
    },
    {
      title: 'Devices',
      panels: [
        {
          title: 'Devices asked, and updates that came of it',
          description: 'Devices that rounds asked, and updates that changed the model, per second',
          unit: 'short',
          queries: {
            asked: `sum by (run) (rate(metafleet_devices_assigned_total{${RUN}}[$__rate_interval]))`,
            updates: `sum by (run) (rate(metafleet_device_updates_total{${RUN}}[$__rate_interval]))`,
          },
        },
        {
          title: 'Refused, by reason',
          description: 'Devices that refused an assignment, per second',
          form: 'stack',
          unit: 'short',
          queries: { '{{reason}}': sumRate('metafleet_device_refusals_total', 'reason') },
        },
        {
          title: 'Dropped, by moment',
          description: 'Devices out of reach when asked, or lost before, during or after training, per second',
          form: 'stack',
          unit: 'short',
          queries: { '{{reason}}': sumRate('metafleet_devices_dropped_total', 'reason') },
        },
        {
          title: 'Rejected, by reason',
          description: 'Updates the coordinator threw away, per second',
          form: 'stack',
          unit: 'short',
          queries: { '{{reason}}': sumRate('metafleet_updates_rejected_total', 'reason') },
        },
        {
          title: 'Late, copied, repeated',
          description: 'Updates after their round, answers nobody waited for, and rounds run again after a host died, per second',
          unit: 'short',
          queries: {
            late: `sum by (run) (rate(metafleet_updates_late_total{${RUN}}[$__rate_interval]))`,
            copies: `sum by (run) (rate(metafleet_duplicate_answers_total{${RUN}}[$__rate_interval]))`,
            'rounds repeated': `sum by (run) (rate(metafleet_round_retries_total{${RUN}}[$__rate_interval]))`,
          },
        },
        {
          title: 'Models activated and evicted',
          description: 'Models generated for a device, and the oldest ones given up under the memory budget, per second',
          unit: 'short',
          queries: {
            activated: `sum by (run) (rate(metafleet_devices_activated_total{${RUN}}[$__rate_interval]))`,
            evicted: `sum by (run) (rate(metafleet_models_evicted_total{${RUN}}[$__rate_interval]))`,
          },
        },
        {
          title: 'Models held',
          description: 'Generated models on all devices',
          unit: 'short',
          queries: { models: `sum by (run) (metafleet_resident_models{${RUN}})` },
        },
        {
          title: 'Devices in flight',
          description: 'At work when the last round ended; none unless rounds are buffered',
          unit: 'short',
          queries: { 'in flight': `sum by (run) (metafleet_devices_in_flight{${RUN}})` },
        },
        {
          title: 'Threads lost and restored',
          description:
            'Host threads that died, and those loaded again; apart for long: nobody serves their devices. Coordinators start again by themselves',
          unit: 'short',
          queries: {
            'hosts lost': `sum by (run) (metafleet_hosts_lost_total{${RUN}})`,
            restored: `sum by (run) (metafleet_hosts_restored_total{${RUN}})`,
            'coordinators lost': `sum by (run) (metafleet_coordinators_lost_total{${RUN}})`,
          },
        },
      ],
    },
    {
      title: 'Traffic',
      panels: [
        {
          title: 'Bytes, by direction',
          description: 'As encoded; down: to devices',
          unit: 'Bps',
          queries: { '{{direction}}': `run_direction:metafleet_message_bytes:rate5m{${RUN}}` },
        },
        {
          title: 'Bytes, by kind and dtype',
          description: 'evaluation_…: models and scores of measurements on held-out ratings',
          form: 'stack',
          unit: 'Bps',
          queries: { '{{kind}} {{dtype}}': sumRate('metafleet_message_bytes_total', 'kind, dtype') },
        },
        {
          title: 'Messages, by kind',
          description: 'Messages a second',
          form: 'stack',
          unit: 'short',
          queries: { '{{kind}}': sumRate('metafleet_messages_total', 'kind') },
        },
        {
          title: 'Size of messages down',
          description: 'Encoded size of messages to devices',
          form: 'heatmap',
          unit: 'bytes',
          queries: buckets('metafleet_message_size_bytes', 'direction="down"'),
        },
        {
          title: 'Size of messages up',
          description: 'Encoded size of messages from devices',
          form: 'heatmap',
          unit: 'bytes',
          queries: buckets('metafleet_message_size_bytes', 'direction="up"'),
        },
        {
          title: 'Size of a message, p95',
          description: 'Bounds are factors of 4 apart: a coarse figure',
          unit: 'bytes',
          queries: { '{{kind}}': quantile(0.95, 'metafleet_message_size_bytes', 'kind') },
        },
      ],
    },
    {
      title: 'Process',
      panels: [
        {
          title: 'Memory',
          description: 'RSS: all of the process; the kernels share theirs among threads; JavaScript heaps by thread',
          unit: 'bytes',
          queries: {
            RSS: `process_resident_memory_bytes{${RUN}}`,
            kernels: `metafleet_kernel_memory_bytes{${RUN}}`,
            'models held': `metafleet_resident_model_bytes{${RUN}}`,
            'heap, main': `nodejs_heap_size_used_bytes{${RUN}}`,
            'heap, {{thread}}': `metafleet_heap_used_bytes{${RUN}}`,
          },
        },
        {
          title: 'Processors in use',
          description: 'Seconds of processor time a second',
          unit: 'short',
          queries: { processors: `sum by (run) (rate(process_cpu_seconds_total{${RUN}}[$__rate_interval]))` },
        },
        {
          title: 'Garbage collection',
          description: 'Share of time spent on it; host: of all host threads together, so it can pass 100 %',
          unit: 'percentunit',
          queries: {
            '{{thread}}': `sum by (run, thread) (rate(metafleet_gc_seconds_total{${RUN}}[$__rate_interval]))`,
            main: `sum by (run) (rate(nodejs_gc_duration_seconds_sum{${RUN}}[$__rate_interval]))`,
          },
          warn: 0.1,
          alarm: 0.3,
        },
        {
          title: 'Threads',
          description: 'Of the process, and of those the ones that host devices',
          unit: 'short',
          queries: { all: `metafleet_os_threads{${RUN}}`, hosts: `metafleet_pool_threads{${RUN}}` },
        },
        {
          title: 'Hosts busy',
          description: "Share of the host threads' time spent on training steps",
          unit: 'percentunit',
          queries: { busy: `metafleet_pool_utilization_ratio{${RUN}}` },
          max: 1,
        },
        {
          title: 'Tasks waiting for a host thread',
          description: 'Piscina queue: above 0 for long, a host could not be started',
          unit: 'short',
          queries: { waiting: `metafleet_pool_queue_size{${RUN}}` },
          warn: 1,
        },
        {
          title: 'Checkpoints',
          description: 'Written by this process',
          unit: 'short',
          queries: { written: `metafleet_checkpoints_total{${RUN}}`, failed: `metafleet_checkpoint_failures_total{${RUN}}` },
        },
        {
          title: 'Checkpoint',
          description: 'Size of the last one',
          unit: 'bytes',
          queries: { size: `metafleet_checkpoint_size_bytes{${RUN}}` },
        },
      ],
    },
  ],
};

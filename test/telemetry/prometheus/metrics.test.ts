import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { bytes, millis } from '../../../src/base/units.js';
import { describeMetrics } from '../../../src/telemetry/prometheus/instruments.js';
import { createMetrics, LABELS, RUN_LABELS } from '../../../src/telemetry/prometheus/metrics.js';
import { trafficLine } from '../../support/coordinator/samples.js';
import { parseExposition } from '../../support/telemetry/exposition.js';
import { epoch, round, started } from '../../support/telemetry/telemetry-events.js';
import { fleetRound, fleetStarted } from '../../support/telemetry/virtual-rounds.js';

const scrape = async (metrics: ReturnType<typeof createMetrics>) => parseExposition(await metrics.registry.metrics());

describe('metrics', () => {
  it('count bytes and messages by direction and kind, evaluation included', async () => {
    const metrics = createMetrics();
    metrics.observe(round(64));
    metrics.observe(round(64));
    metrics.observe(epoch());
    const { value } = await scrape(metrics);
    expect(value('metafleet_message_bytes_total', { direction: 'down', kind: 'model', dtype: 'f32' })).toBe(128_300);
    expect(value('metafleet_message_bytes_total', { direction: 'up', kind: 'gradient', dtype: 'f32' })).toBe(12_800);
    expect(value('metafleet_messages_total', { direction: 'down', kind: 'model', dtype: 'f32' })).toBe(131);
  });

  it('give latencies in seconds: rounds, each phase, device updates', async () => {
    const metrics = createMetrics();
    metrics.observe(round(64));
    const { value } = await scrape(metrics);
    expect(value('metafleet_round_duration_seconds_sum')).toBeCloseTo(0.02);
    expect(value('metafleet_round_duration_seconds_bucket', { le: '0.025' })).toBe(1);
    expect(value('metafleet_round_duration_seconds_bucket', { le: '0.01' })).toBe(0);
    expect(value('metafleet_phase_duration_seconds_sum', { phase: 'generate' })).toBeCloseTo(0.009);
    expect(value('metafleet_device_update_duration_seconds_count')).toBe(64);
    expect(value('metafleet_device_update_duration_seconds_bucket', { le: '0.00025' })).toBe(25);
  });

  it('follow learning, fleet, hosts and checkpoints', async () => {
    const metrics = createMetrics();
    for (const event of [started(671), round(64), epoch(), epoch({ best: false, valid: { count: 1, metrics: { mae: 0.9, mse: 0.95 } } })])
      metrics.observe(event);
    metrics.observe({ type: 'host-lost', host: 0, reason: 'killed' });
    metrics.observe({ type: 'host-restored', host: 0, devices: 300 });
    metrics.observe({ type: 'checkpoint', path: 'x', round: 1, bytes: bytes(777), millis: millis(40), waited: millis(0) });
    const { value } = await scrape(metrics);
    expect(value('metafleet_metric', { part: 'valid', metric: 'mse' })).toBe(0.95);
    expect(value('metafleet_best_metric', { part: 'valid', metric: 'mse' })).toBe(0.8);
    expect(value('metafleet_metric', { part: 'test', metric: 'mae' })).toBe(0.71);
    const expected = {
      devices: 671,
      parameters: 1000,
      rounds_total: 1,
      epochs_total: 2,
      train_loss: 0.9,
      gradient_norm: 1.5,
      clipped_rounds_total: 1,
      round_retries_total: 1,
      devices_activated_total: 64,
      models_evicted_total: 1,
      resident_models: 50,
      resident_model_bytes: 5000,
      hosts_lost_total: 1,
      hosts_restored_total: 1,
      checkpoints_total: 1,
      checkpoint_size_bytes: 777,
      checkpoint_duration_seconds_sum: 0.04,
    };
    for (const [name, wanted] of Object.entries(expected)) expect([name, value(`metafleet_${name}`)]).toEqual([name, wanted]);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(1e6);
  });

  it('show no error, loss or norm before there is one', async () => {
    const { names } = await scrape(createMetrics());
    for (const name of ['metafleet_metric', 'metafleet_best_metric', 'metafleet_train_loss', 'metafleet_gradient_norm'])
      expect(names).not.toContain(name);
    expect(names).toContain('metafleet_rounds_total');
  });

  it('pass a diverged loss on instead of failing', async () => {
    const metrics = createMetrics();
    metrics.observe(round(1, { loss: Number.NaN, gradientNorm: Number.POSITIVE_INFINITY }));
    const { value } = await scrape(metrics);
    expect(value('metafleet_train_loss')).toBeNaN();
    expect(value('metafleet_gradient_norm')).toBe(Number.POSITIVE_INFINITY);
  });

  it('read the pool when scraped, not before', async () => {
    let queued = 1;
    const metrics = createMetrics({ pool: () => ({ queued, utilization: 0.5, threads: 2 }) });
    queued = 7;
    const { value } = await scrape(metrics);
    expect(value('metafleet_pool_queue_size')).toBe(7);
    expect(value('metafleet_pool_utilization_ratio')).toBe(0.5);
    expect(value('metafleet_pool_threads')).toBe(2);
  });

  it('have as many series for a million devices as for a thousand, and no label that names one', async () => {
    const seriesAt = async (devices: number, cohort: number) => {
      const metrics = createMetrics({ pool: () => ({ queued: 0, utilization: 0, threads: 2 }) });
      for (const event of [fleetStarted(devices), fleetRound(cohort), round(cohort, { round: 2 }), epoch()]) metrics.observe(event);
      const { series, labels } = await scrape(metrics);
      return { series: series.sort(), labels };
    };
    const small = await seriesAt(1000, 64);
    const large = await seriesAt(1_000_000, 4096);
    expect(large.series).toEqual(small.series);
    expect([...large.labels].filter((label) => !/^(direction|kind|phase|part|measure|le)$/.test(label)).sort()).toEqual(
      [...small.labels].filter((label) => !/^(direction|kind|phase|part|measure|le)$/.test(label)).sort(),
    );
    expect(large.labels).not.toContain('device');
  });

  it('stay bounded when message kinds run wild', async () => {
    const metrics = createMetrics();
    const traffic = Array.from({ length: 1000 }, (_, index) => trafficLine(`kind-${index}`, 'up', 1, 1));
    metrics.observe(round(1, { traffic }));
    const { series, value } = await scrape(metrics);
    expect(series.filter((name) => name.startsWith('metafleet_messages_total')).length).toBe(65);
    expect(value('metafleet_messages_total', { direction: 'up', kind: 'other', dtype: 'f32' })).toBe(936);
  });

  it('say which run they are of, on every series', async () => {
    const labels = { run: 'a-run', algorithm: 'metamf', data: 'ml-small', delivery: 'full', dtype: 'f32', seed: '1', version: '0' };
    const metrics = createMetrics({ run: labels });
    metrics.observe(started(10));
    const { series, value } = await scrape(metrics);
    expect(series.filter((name) => !name.includes('run=a-run'))).toEqual([]);
    expect(value('metafleet_run_info', labels)).toBe(1);
    expect(value('metafleet_run_active', { run: 'a-run' })).toBe(1);
    metrics.observe({ type: 'run-finished', reason: 'completed', round: 1, epoch: 1, digest: '', millis: millis(1) });
    expect((await scrape(metrics)).value('metafleet_run_active', { run: 'a-run' })).toBe(0);
  });

  it('tell when the run last did something', async () => {
    const then = Date.UTC(2026, 0, 2, 3, 4, 5);
    vi.useFakeTimers({ toFake: ['Date'], now: then });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const metrics = createMetrics();
    metrics.observe(round(1));
    vi.setSystemTime(then + 60_000);
    expect((await scrape(metrics)).value('metafleet_last_progress_timestamp_seconds')).toBe(then / 1000);
  });

  it('keep sizes, queue waits, lag, heap and garbage collection of the threads apart', async () => {
    const metrics = createMetrics();
    const threads = {
      coordinator: { lagMillis: millis(3), gcMillis: millis(40), heapBytes: bytes(500) },
      host: { lagMillis: millis(700), gcMillis: millis(2), heapBytes: bytes(900) },
    };
    const queueMillis = { down: [millis(0.2), millis(30)], up: [millis(6)] };
    for (let i = 0; i < 2; i++) metrics.observe(round(64, { threads, queueMillis }));
    const { value } = await scrape(metrics);
    expect(value('metafleet_message_size_bytes_bucket', { direction: 'down', kind: 'model', le: '256' })).toBe(0);
    expect(value('metafleet_message_size_bytes_bucket', { direction: 'down', kind: 'model', le: '1024' })).toBe(128);
    expect(value('metafleet_message_size_bytes_sum', { direction: 'down', kind: 'model' })).toBe(128_000);
    expect(value('metafleet_queue_wait_seconds_bucket', { direction: 'down', le: '0.01' })).toBe(2);
    expect(value('metafleet_queue_wait_seconds_sum', { direction: 'up' })).toBeCloseTo(0.012);
    expect(value('metafleet_event_loop_lag_seconds_bucket', { thread: 'host', le: '0.5' })).toBe(0);
    expect(value('metafleet_event_loop_lag_seconds_bucket', { thread: 'host', le: '1' })).toBe(2);
    expect(value('metafleet_gc_seconds_total', { thread: 'coordinator' })).toBeCloseTo(0.08);
    expect(value('metafleet_heap_used_bytes', { thread: 'host' })).toBe(900);
    expect(value('metafleet_kernel_memory_bytes')).toBe(1e6);
  });

  it('tell what became of devices, and why', async () => {
    const metrics = createMetrics();
    for (let i = 0; i < 2; i++) metrics.observe(fleetRound(64));
    const { value } = await scrape(metrics);
    const reason = (name: string, why: string) => value(`metafleet_${name}`, { reason: why });
    expect([value('metafleet_devices_assigned_total'), value('metafleet_device_updates_total')]).toEqual([168, 128]);
    expect([reason('device_refusals_total', 'battery'), reason('device_refusals_total', 'memory')]).toEqual([6, 0]);
    expect([reason('devices_dropped_total', 'during'), reason('updates_rejected_total', 'norm')]).toEqual([4, 8]);
    expect([value('metafleet_updates_late_total'), value('metafleet_duplicate_answers_total')]).toEqual([10, 4]);
    expect(value('metafleet_devices_in_flight')).toBe(4);
    expect(value('metafleet_update_staleness_rounds_bucket', { le: '0' })).toBe(122);
    expect(value('metafleet_update_staleness_rounds_sum')).toBe(8);
  });

  it('tell by class of device what rounds cost in virtual time, and how far budgets are used up', async () => {
    const metrics = createMetrics();
    metrics.observe(fleetStarted(1000));
    metrics.observe(fleetRound(64));
    const { value } = await scrape(metrics);
    expect(value('metafleet_class_devices', { class: 'watch' })).toBe(500);
    expect(value('metafleet_virtual_time_seconds')).toBe(130);
    expect(value('metafleet_virtual_round_duration_seconds_sum')).toBe(30);
    expect(value('metafleet_virtual_device_latency_seconds_bucket', { le: '5' })).toBe(1);
    expect(value('metafleet_virtual_device_seconds_total', { step: 'compute' })).toBe(10);
    expect(value('metafleet_class_outcomes_total', { class: 'phone', outcome: 'refused' })).toBe(2);
    expect(value('metafleet_device_energy_joules_total', { class: 'phone' })).toBe(12.5);
    expect(value('metafleet_device_bytes_total', { class: 'phone', direction: 'up' })).toBe(100);
    const dataPlan = (le: string) => value('metafleet_device_budget_used_ratio_bucket', { class: 'watch', resource: 'dataPlan', le });
    expect([dataPlan('0.75'), dataPlan('0.9'), dataPlan('1'), dataPlan('+Inf')]).toEqual([0, 4, 8, 10]);
    expect(value('metafleet_device_budgets_exhausted_total', { resource: 'dataPlan' })).toBe(12);
    expect(value('metafleet_device_budgets_exhausted_total', { resource: 'memory' })).toBe(0);
  });

  it('say nothing of virtual time where there is none', async () => {
    const metrics = createMetrics();
    metrics.observe(started(1000));
    metrics.observe(round(64));
    const { series } = await scrape(metrics);
    expect(series.filter((name) => /virtual_time|class_|device_energy|budget_used/.test(name))).toEqual([]);
  });

  it('have a series for each metric of the run, and none for a measure of nothing', async () => {
    const metrics = createMetrics();
    const nothing = { count: 0, metrics: { 'ndcg@10': null, auc: null } };
    const some = { count: 9, metrics: { 'ndcg@10': 0.25, auc: null } };
    metrics.observe(epoch({ valid: nothing, test: some, groups: [{ group: 'low', devices: 5, valid: nothing, test: nothing }] }));
    const { series, value } = await scrape(metrics);
    expect(value('metafleet_metric', { part: 'test', metric: 'ndcg@10' })).toBe(0.25);
    expect(value('metafleet_best_metric', { part: 'test', metric: 'ndcg@10' })).toBe(0.25);
    expect(series.filter((name) => /_metric(\{|$)/.test(name))).toHaveLength(2);
    metrics.observe(epoch({ valid: nothing, test: nothing }));
    expect((await scrape(metrics)).series.filter((name) => /_metric(\{|$)/.test(name))).toEqual([]);
  });

  it('have the errors of devices with few and with many ratings', async () => {
    const metrics = createMetrics();
    const score = (mse: number) => ({ count: 1, metrics: { mae: mse, mse } });
    metrics.observe(epoch({ groups: [{ group: 'low', devices: 5, valid: score(1), test: score(2) }] }));
    expect((await scrape(metrics)).value('metafleet_group_metric', { group: 'low', part: 'test', metric: 'mse' })).toBe(2);
  });

  it('have labels that are explained, each of them', () => {
    const used = new Set(
      describeMetrics(createMetrics().registry)
        .filter(({ name }) => name.startsWith('metafleet_'))
        .flatMap(({ labels }) => labels),
    );
    const explained = [...Object.keys(LABELS), ...RUN_LABELS];
    expect([...used].filter((label) => !explained.includes(label))).toEqual([]);
    expect(Object.keys(LABELS).filter((label) => label !== 'run' && !used.has(label))).toEqual([]);
  });

  it('are named as Prometheus asks: prefix, base units, _total on counters alone, help for all', async () => {
    const metrics = createMetrics();
    const own = (await metrics.registry.getMetricsAsJSON()).filter(({ name }) => name.startsWith('metafleet_'));
    expect(own.length).toBeGreaterThan(25);
    for (const { name, type, help } of own) {
      expect(name).toMatch(/^metafleet_[a-z_]+$/);
      expect(name).not.toMatch(/milli|_ms|kilo|percent/);
      // prom-client gives the type as a word at run time.
      expect([name, name.endsWith('_total')]).toEqual([name, String(type) === 'counter']);
      expect(help).not.toBe('');
    }
  });
});

import { describe, expect, it } from 'vitest';
import { bytes, millis } from '../../src/base/units.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { epoch, round, started } from './events.js';
import { parseExposition } from './exposition.js';

const scrape = async (metrics: ReturnType<typeof createMetrics>) => parseExposition(await metrics.registry.metrics());

describe('metrics', () => {
  it('count bytes and messages by direction and kind, evaluation included', async () => {
    const metrics = createMetrics();
    metrics.observe(round(64));
    metrics.observe(round(64));
    metrics.observe(epoch());
    const { value } = await scrape(metrics);
    expect(value('metafleet_message_bytes_total', { direction: 'down', kind: 'model' })).toBe(128_300);
    expect(value('metafleet_message_bytes_total', { direction: 'up', kind: 'gradient' })).toBe(12_800);
    expect(value('metafleet_messages_total', { direction: 'down', kind: 'model' })).toBe(131);
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
    for (const event of [started(671), round(64), epoch(), epoch({ best: false, valid: { mae: 0.9, mse: 0.95, count: 1 } })])
      metrics.observe(event);
    metrics.observe({ type: 'host-lost', host: 0, reason: 'killed' });
    metrics.observe({ type: 'host-restored', host: 0, devices: 300 });
    metrics.observe({ type: 'checkpoint', path: 'x', round: 1, bytes: bytes(777), millis: millis(40) });
    const { value } = await scrape(metrics);
    expect(value('metafleet_error', { part: 'valid', measure: 'mse' })).toBe(0.95);
    expect(value('metafleet_best_error', { part: 'valid', measure: 'mse' })).toBe(0.8);
    expect(value('metafleet_error', { part: 'test', measure: 'mae' })).toBe(0.71);
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
    for (const name of ['metafleet_error', 'metafleet_best_error', 'metafleet_train_loss', 'metafleet_gradient_norm'])
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
      for (const event of [started(devices), round(cohort), round(cohort, { round: 2 }), epoch()]) metrics.observe(event);
      const { series, labels } = await scrape(metrics);
      return { own: series.filter((name) => name.startsWith('metafleet_')).length, labels };
    };
    const small = await seriesAt(1000, 64);
    const large = await seriesAt(1_000_000, 4096);
    expect(large.own).toBe(small.own);
    expect([...large.labels].filter((label) => !/^(direction|kind|phase|part|measure|le)$/.test(label)).sort()).toEqual(
      [...small.labels].filter((label) => !/^(direction|kind|phase|part|measure|le)$/.test(label)).sort(),
    );
    expect(large.labels).not.toContain('device');
  });

  it('stay bounded when message kinds run wild', async () => {
    const metrics = createMetrics();
    const traffic = Array.from({ length: 1000 }, (_, index) => ({
      kind: `kind-${index}`,
      direction: 'up' as const,
      messages: 1,
      bytes: bytes(1),
    }));
    metrics.observe(round(1, { traffic }));
    const { series, value } = await scrape(metrics);
    expect(series.filter((name) => name.startsWith('metafleet_messages_total')).length).toBeLessThanOrEqual(33);
    expect(value('metafleet_messages_total', { direction: 'up', kind: 'other' })).toBe(968);
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

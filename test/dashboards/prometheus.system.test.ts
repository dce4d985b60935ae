import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkDashboards } from '../../scripts/dashboards/check.js';
import { prometheusIsInstalled, promtool } from '../../scripts/dashboards/prometheus.js';
import { createMetrics } from '../../src/telemetry/prometheus/metrics.js';
import { epoch, round } from '../support/telemetry/telemetry-events.js';
import { fleetRound, fleetStarted } from '../support/telemetry/virtual-rounds.js';

const installed = prometheusIsInstalled();

describe.skipIf(!installed)(
  `under a real Prometheus${installed ? '' : ' (not installed: Debian has it as the package prometheus)'}`,
  () => {
    it('a fleet shows something on every panel, and its lost host raises the alarm', async () => {
      const { answers, faults } = await checkDashboards();
      expect(faults).toEqual([]);
      expect(answers.length).toBeGreaterThan(100);
    });

    it('the rules raise their alarms when they should, and only then', () => {
      expect(promtool(['test', 'rules', 'dashboards/rules/rules.test.yaml'])).toBeUndefined();
    });

    it('a rule with a mistake is found', () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'metafleet-rules-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const file = path.join(folder, 'rules.yaml');
      writeFileSync(file, 'groups: [{ name: a, rules: [{ record: b, expr: "sum(" }] }]');
      expect(promtool(['check', 'rules', file])).toContain('FAILED');
    });

    it('the configuration for Docker is one', () => {
      expect(promtool(['check', 'config', 'dashboards/prometheus.yaml'])).toBeUndefined();
    });

    it('metrics keep to its naming rules, a fleet configured or not', async () => {
      const metrics = createMetrics({ pool: () => ({ queued: 0, utilization: 0, threads: 0 }) });
      expect(promtool(['check', 'metrics'], await metrics.registry.metrics())).toBeUndefined();
      for (const event of [fleetStarted(100), fleetRound(10), round(10), epoch()]) metrics.observe(event);
      expect(promtool(['check', 'metrics'], await metrics.registry.metrics())).toBeUndefined();
      expect(promtool(['check', 'metrics'], '# HELP a_total x\n# TYPE a_total gauge\na_total 1\n')).toContain('_total');
    });
  },
);

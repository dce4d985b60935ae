import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DASHBOARDS } from '../../dashboards/all.js';
import { outputs } from '../../dashboards/build.js';
import { metricsPage } from '../../dashboards/metrics-page.js';
import { figureOf, readRules } from '../../dashboards/rules.js';
import { describeMetrics } from '../../src/telemetry/prometheus/instruments.js';
import { createMetrics } from '../../src/telemetry/prometheus/metrics.js';

const panels = DASHBOARDS.flatMap(({ title, rows }) => rows.flatMap((row) => row.panels.map((panel) => ({ dashboard: title, ...panel }))));
const yamlOf = (file: string): unknown => parse(readFileSync(`dashboards/${file}`, 'utf8'));

describe('what is made from the dashboards in TypeScript', () => {
  it.each([...outputs()])('%s is what `npm run dashboards` makes', (file, content) => {
    expect(readFileSync(file, 'utf8')).toBe(content);
  });

  it('is all there is in the folder that Grafana reads', () => {
    expect(
      readdirSync('dashboards/grafana')
        .map((file) => `dashboards/grafana/${file}`)
        .sort(),
    ).toEqual([...outputs().keys()].filter((file) => file.endsWith('.json')).sort());
  });

  it('names in METRICS.md every metric of a run, and every panel that asks for one', () => {
    const page = metricsPage(DASHBOARDS, readRules());
    for (const { name } of describeMetrics(createMetrics({ pool: () => ({ queued: 0, utilization: 0, threads: 0 }) }).registry)) {
      if (name.startsWith('metafleet_')) expect(page).toContain(`| \`${name}\` |`);
    }
    for (const { dashboard, title } of panels) expect(page).toContain(`${dashboard.replace('metafleet: ', '')}: ${title}`);
  });
});

describe('dashboards', () => {
  it('show every metric that metafleet has, or use it in a rule', () => {
    const unused = readFileSync('dashboards/METRICS.md', 'utf8')
      .split('\n')
      .filter((line) => /^\| `(metafleet_|run)[^|]*/.test(line) && line.endsWith('|  |'));
    expect(unused).toEqual([]);
  });

  it('say what each panel shows, in one unit, under a title of its own', () => {
    for (const { dashboard, title, description, unit, queries } of panels) {
      expect([dashboard, title, description.length > 5, unit !== '']).toEqual([dashboard, title, true, true]);
      expect(Object.keys(queries).length).toBeGreaterThan(0);
    }
    const titles = panels.map(({ dashboard, title }) => `${dashboard}: ${title}`);
    expect(new Set(titles).size).toBe(titles.length);
  });

  it('look at the chosen run alone, whatever they ask', () => {
    for (const { title, queries } of panels) {
      for (const expr of Object.values(queries)) {
        const selectors = expr.match(/(?<![\w:])(?:run\w*:)?(?:metafleet|nodejs|process)_\w+/g) ?? [];
        expect([title, (expr.match(/run=~"\$run"/g) ?? []).length]).toEqual([title, selectors.length]);
      }
    }
  });
});

describe('alerts', () => {
  it('compare a recorded figure with a bound, so that the figure can be looked at when nothing is wrong', () => {
    const rules = readRules();
    const recorded = rules.filter(({ kind }) => kind === 'recording').map(({ name }) => name);
    const alerts = rules.filter(({ kind }) => kind === 'alert');
    expect(alerts.length).toBeGreaterThanOrEqual(4);
    for (const alert of alerts) expect(recorded).toContain(figureOf(alert));
  });
});

describe('the compose file', () => {
  type Compose = { readonly services: Record<string, { image: string; volumes: string[]; ports: string[] }>; readonly volumes: object };
  const { services, volumes } = yamlOf('compose.yaml') as Compose;

  it('mounts what is there, and pins what it runs', () => {
    for (const { image, volumes: mounts, ports } of Object.values(services)) {
      expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
      for (const mount of mounts) {
        const [source = ''] = mount.split(':');
        expect([mount, source.startsWith('./') ? existsSync(path.join('dashboards', source)) : source in volumes]).toEqual([mount, true]);
      }
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });

  it('puts rules and dashboards where Prometheus and Grafana look for them', () => {
    const mounted = Object.values(services).flatMap(({ volumes: mounts }) => mounts.map((mount) => mount.split(':')[1]!));
    const { providers } = yamlOf('provisioning/dashboards/metafleet.yaml') as { providers: { options: { path: string } }[] };
    for (const { options } of providers) expect(mounted).toContain(options.path);
    const { rule_files: rules } = yamlOf('prometheus.yaml') as { rule_files: string[] };
    for (const rule of rules) expect(existsSync(path.join('dashboards', rule))).toBe(true);
    expect(mounted).toEqual(
      expect.arrayContaining(['/etc/prometheus/prometheus.yml', '/etc/prometheus/rules', '/etc/grafana/provisioning']),
    );
    const { datasources } = yamlOf('provisioning/datasources/prometheus.yaml') as { datasources: { url: string }[] };
    expect(Object.keys(services)).toContain(new URL(datasources[0]!.url).hostname);
  });
});

import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as grafana from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

/** Panels and dashboards as data; this file makes Grafana's of them. */
export type Dashboard = {
  /** Also the name of the file. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Whether several runs are shown side by side. */
  readonly manyRuns?: boolean;
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[];
};

export type Panel = {
  readonly title: string;
  readonly description: string;
  /** How it is drawn; default: lines over time. */
  readonly form?: 'lines' | 'stack' | 'number' | 'bars' | 'heatmap' | 'table';
  /** Grafana's name: s, bytes, Bps, percentunit, short, … */
  readonly unit: string;
  /** PromQL by legend. */
  readonly queries: Readonly<Record<string, string>>;
  /** Values from which a panel turns yellow and red. */
  readonly warn?: number;
  readonly alarm?: number;
  readonly max?: number;
};

/** What every query is limited to, and the window of its rates. */
export const RUN = 'run=~"$run"';
/** What queries of a metric are limited to: the one that is chosen. */
export const METRIC = 'metric=~"$metric"';
export const rate = (counter: string, labels = ''): string =>
  `rate(${counter}{${RUN}${labels === '' ? '' : `,${labels}`}}[$__rate_interval])`;
/** Rates of one run may come from several processes, where it was resumed. */
export const sumRate = (counter: string, by: string, labels = ''): string => `sum by (run, ${by}) (${rate(counter, labels)})`;
/** `metric`: without _bucket. */
export const quantile = (q: number, metric: string, by = ''): string =>
  `histogram_quantile(${q}, sum by (run, le${by === '' ? '' : `, ${by}`}) (${rate(`${metric}_bucket`)}))`;
export const quantiles = (metric: string): Record<string, string> => ({
  median: quantile(0.5, metric),
  p95: quantile(0.95, metric),
  p99: quantile(0.99, metric),
});
export const buckets = (metric: string, labels = ''): Record<string, string> => ({
  '{{le}}': `sum by (le) (increase(${metric}_bucket{${RUN}${labels === '' ? '' : `,${labels}`}}[$__rate_interval]))`,
});

// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in.
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const WIDTHS = { lines: 8, stack: 8, number: 4, bars: 8, heatmap: 8, table: 24 } as const;

const thresholdsOf = ({ warn, alarm }: Panel): Builder<grafana.ThresholdsConfig> => {
  const steps: grafana.Threshold[] = [{ value: null, color: 'green' }];
  if (warn !== undefined) steps.push({ value: warn, color: 'yellow' });
  if (alarm !== undefined) steps.push({ value: alarm, color: 'red' });
  return new grafana.ThresholdsConfigBuilder().mode(grafana.ThresholdsMode.Absolute).steps(steps);
};

const targetsOf = ({ form, queries }: Panel): prometheus.DataqueryBuilder[] =>
  Object.entries(queries).map(([legend, expr], index) => {
    const query = new prometheus.DataqueryBuilder()
      .refId(String.fromCharCode(65 + index))
      .datasource(DATASOURCE)
      .expr(expr)
      .legendFormat(legend);
    if (form === 'heatmap') return query.range().format(prometheus.PromQueryFormat.Heatmap);
    if (form === 'table') return query.instant().format(prometheus.PromQueryFormat.Table);
    return form === 'bars' ? query.instant() : query.range();
  });

const lastValue = (): common.ReduceDataOptionsBuilder => new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']);

const linesOf = ({ form, alarm, warn }: Panel): timeseries.PanelBuilder => {
  const lines = new timeseries.PanelBuilder()
    .lineWidth(1)
    .fillOpacity(form === 'stack' ? 40 : 8)
    .showPoints(common.VisibilityMode.Never)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending));
  if (form === 'stack') lines.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal));
  if (alarm === undefined && warn === undefined) return lines;
  return lines.thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed));
};

/** Queries of a table become its columns, joined by their labels. */
const tableOf = ({ queries }: Panel): table.PanelBuilder => {
  const columns = Object.keys(queries).map((legend, index) => [`Value #${String.fromCharCode(65 + index)}`, legend] as const);
  return new table.PanelBuilder().withTransformation({ id: 'merge', options: {} }).withTransformation({
    id: 'organize',
    options: { excludeByName: { Time: true, __name__: true, instance: true, job: true }, renameByName: Object.fromEntries(columns) },
  });
};

const shapeOf = (panel: Panel) => {
  switch (panel.form) {
    case 'number':
      return new stat.PanelBuilder()
        .reduceOptions(lastValue())
        .graphMode(common.BigValueGraphMode.Area)
        .colorMode(panel.warn === undefined && panel.alarm === undefined ? common.BigValueColorMode.None : common.BigValueColorMode.Value);
    case 'bars':
      return new bargauge.PanelBuilder()
        .reduceOptions(lastValue())
        .orientation(common.VizOrientation.Horizontal)
        .displayMode(common.BarGaugeDisplayMode.Basic);
    case 'heatmap':
      return new heatmap.PanelBuilder()
        .calculate(false)
        .color(new heatmap.HeatmapColorOptionsBuilder().mode(heatmap.HeatmapColorMode.Scheme).scheme('Viridis').steps(64))
        .yAxis(new heatmap.YAxisConfigBuilder().unit(panel.unit));
    case 'table':
      return tableOf(panel);
    default:
      return linesOf(panel);
  }
};

const panelOf = (panel: Panel): Builder<grafana.Panel> => {
  const shape = shapeOf(panel)
    .title(panel.title)
    .description(panel.description)
    .datasource(DATASOURCE)
    .targets(targetsOf(panel))
    .unit(panel.unit)
    .thresholds(thresholdsOf(panel))
    .height(panel.form === 'number' ? 4 : 8)
    .span(WIDTHS[panel.form ?? 'lines']);
  if (panel.form !== 'table') shape.min(0);
  if (panel.max !== undefined) shape.max(panel.max);
  return shape;
};

/** Only where a panel asks for it. */
const metricVariable = ({ rows }: Dashboard): Builder<grafana.VariableModel>[] =>
  rows.some(({ panels }) => panels.some(({ queries }) => Object.values(queries).some((query) => query.includes(METRIC))))
    ? [
        new grafana.QueryVariableBuilder('metric')
          .label('Metric')
          .datasource(DATASOURCE)
          .query({ query: `label_values(metafleet_metric{${RUN}}, metric)`, refId: 'metric' })
          .refresh(grafana.VariableRefresh.OnTimeRangeChanged)
          .sort(grafana.VariableSort.AlphabeticalDesc)
          .multi(false)
          .includeAll(false),
      ]
    : [];

const variablesOf = (dashboard: Dashboard): Builder<grafana.VariableModel>[] => {
  const { manyRuns = false } = dashboard;
  const run = new grafana.QueryVariableBuilder('run')
    .label('Run')
    .datasource(DATASOURCE)
    .query({ query: 'label_values(metafleet_run_info, run)', refId: 'run' })
    .refresh(grafana.VariableRefresh.OnTimeRangeChanged)
    .sort(grafana.VariableSort.AlphabeticalDesc)
    .multi(manyRuns)
    .includeAll(manyRuns);
  if (manyRuns) run.allValue('.+').current({ selected: true, text: ['All'], value: ['$__all'] });
  return [new grafana.DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'), run, ...metricVariable(dashboard)];
};

export const compile = (dashboard: Dashboard): grafana.Dashboard => {
  const builder = new grafana.DashboardBuilder(dashboard.title)
    .uid(dashboard.uid)
    .description(dashboard.description)
    .tags(['metafleet'])
    .editable()
    .tooltip(grafana.DashboardCursorSync.Crosshair)
    .time({ from: 'now-1h', to: 'now' })
    .refresh('10s')
    .timezone('browser')
    .variables(variablesOf(dashboard))
    .link(
      new grafana.DashboardLinkBuilder('metafleet')
        .type(grafana.DashboardLinkType.Dashboards)
        .tags(['metafleet'])
        .includeVars(true)
        .keepTime(true),
    )
    .annotation(
      new grafana.AnnotationQueryBuilder()
        .name('Hosts lost')
        .enable(true)
        .iconColor('red')
        .datasource(DATASOURCE)
        .expr(`changes(metafleet_hosts_lost_total{${RUN}}[$__interval]) > 0`),
    );
  for (const { title, panels } of dashboard.rows) {
    builder.withRow(new grafana.RowBuilder(title));
    for (const panel of panels) builder.withPanel(panelOf(panel));
  }
  return builder.build();
};

import { createHash } from 'node:crypto';
import { BarChart, CustomChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, setPlatformAPI, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { formatCount } from '../format.js';
import { escapeXml } from '../page/escape.js';
import { isMarked, plotted, type Series } from './chart-series.js';

export type { Series } from './chart-series.js';

use([BarChart, CustomChart, LineChart, ScatterChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** Pixels, roughly, of text of 12 px. */
const LETTER = 7;

// Without a DOM, the width of a text is unknown. ECharts then assumes a font that is narrower than the one most readers see.
setPlatformAPI({
  measureText: (text, font = '') => ({ width: (LETTER / 12) * Number(/(\d+)px/.exec(font)?.[1] ?? 12) * text.length }),
});

/** What one chart shows. Numbers that are not finite, and those ≤ 0 on a log axis, leave a gap. */
export type Chart = {
  readonly title: string;
  /** For readers who do not see the chart: what it shows, in a sentence. */
  readonly description?: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
};

export type Axis = {
  /** With its unit: `round time (ms)`. */
  readonly name: string;
  /** Default: linear. A log axis has base 10. */
  readonly scale?: 'linear' | 'log';
  /** Makes the axis one of names, for bars; their values are in this order. x only. */
  readonly categories?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  /** Default: `1,234`, `0.05`, `1.2M`. */
  readonly format?: (value: number) => string;
};

export type ChartOptions = {
  /** CSS pixels; the text is 12 px at this width. Default: 720 × 360. */
  readonly width?: number;
  readonly height?: number;
  /** For an SVG file by itself: brings its colours, light and dark. In a page, page.ts has them. */
  readonly standalone?: boolean;
};

/** Okabe and Ito's colours, which colour-blind readers tell apart, darkened or lightened to 3:1 against the page (WCAG 1.4.11). */
export const PALETTE: readonly { readonly light: string; readonly dark: string }[] = [
  { light: '#0067a8', dark: '#5ab4f0' },
  { light: '#c74a00', dark: '#ff8a4c' },
  { light: '#007f5f', dark: '#2fc79e' },
  { light: '#a83f7d', dark: '#e58fc0' },
  { light: '#8a6a00', dark: '#e3b931' },
  { light: '#2e86c1', dark: '#9ad0f5' },
  { light: '#555b63', dark: '#b4bac2' },
  { light: '#7b3fc4', dark: '#bd9bf5' },
];

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif";
const colour = (index: number): string => `var(--chart-${(index % PALETTE.length) + 1}, ${PALETTE[index % PALETTE.length]!.light})`;

/**
 * The chart as one SVG element, drawn by ECharts without a DOM. The same chart gives the same bytes, in any process and order.
 * Text and axes take the page's text colour, series the page's `--chart-1` … `--chart-8`.
 * Lines are thinned to what the width can show.
 */
export const renderChart = (chart: Chart, { width = 720, height = 360, standalone = false }: ChartOptions = {}): string => {
  const drawing = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    drawing.setOption(optionOf(chart, width));
    return finish(drawing.renderToSVGString(), chart, { width, height, standalone });
  } finally {
    drawing.dispose();
  }
};

const LINE = 20;

const optionOf = (chart: Chart, width: number): Record<string, unknown> => {
  const names = chart.series.map(({ name }) => name);
  const legendRows = names.length > 1 ? rowsOf(names, width) : 0;
  const top = 50 + legendRows * LINE + (legendRows > 0 ? 8 : 0);
  const text = { color: 'currentColor', fontFamily: FONT, fontSize: 12 };
  return {
    animation: false,
    backgroundColor: 'transparent',
    color: PALETTE.map((_, index) => colour(index)),
    textStyle: text,
    title: {
      text: chart.title,
      subtext: chart.y.name,
      left: 0,
      top: 0,
      padding: 0,
      itemGap: 8,
      textStyle: { ...text, fontSize: 15, fontWeight: 600, width, overflow: 'truncate' },
      subtextStyle: { ...text, width, overflow: 'truncate' },
    },
    legend: {
      show: legendRows > 0,
      data: chart.series.map(legendEntry),
      left: 0,
      top: 46,
      padding: 0,
      itemGap: LEGEND_GAP,
      itemWidth: LEGEND_MARK,
      itemHeight: 10,
      textStyle: text,
    },
    grid: {
      left: 4,
      right: 16,
      top,
      bottom: 26,
      outerBoundsMode: 'same',
      outerBoundsContain: 'axisLabel',
      outerBounds: { left: 0, right: 4, top, bottom: 26 },
    },
    xAxis: axisOf(chart.x, chart.series, 'x', width),
    yAxis: axisOf(chart.y, chart.series, 'y', width),
    series: chart.series.flatMap((series, index) =>
      plotted(series, { colour: colour(index), index, log: { x: chart.x.scale === 'log', y: chart.y.scale === 'log' } }),
    ),
  };
};

/** A line without markers is a line in the legend, too. */
const legendEntry = (series: Series): object => ({
  name: series.name,
  ...(series.kind === 'line' && !isMarked(series) ? { itemStyle: { opacity: 0 } } : {}),
});

const LEGEND_GAP = 16;
const LEGEND_MARK = 22;

/** Rows the legend's entries take. */
const rowsOf = (names: readonly string[], width: number): number => {
  let rows = 1;
  let used = 0;
  for (const name of names) {
    const wide = LEGEND_MARK + 8 + name.length * LETTER + LEGEND_GAP;
    if (used > 0 && used + wide > width) {
      rows++;
      used = 0;
    }
    used += wide;
  }
  return rows;
};

const axisOf = (axis: Axis, series: readonly Series[], side: 'x' | 'y', width: number): object => {
  const fromZero = side === 'y' && series.some(({ kind }) => kind === 'bar' || kind === 'histogram');
  const line = { show: side === 'x', lineStyle: { color: 'currentColor', opacity: 0.6 } };
  const grid = { show: side === 'y', lineStyle: { color: 'currentColor', opacity: 0.14 } };
  const room = labelWidth(axis, width);
  const breaks = axis.categories?.some((name) => LETTER * name.length > room) ?? false;
  return {
    type: axis.categories ? 'category' : axis.scale === 'log' ? 'log' : 'value',
    ...(axis.categories
      ? { data: axis.categories }
      : { scale: !fromZero, ...(axis.scale === 'log' ? {} : { splitNumber: side === 'x' ? Math.max(2, Math.round(width / 120)) : 5 }) }),
    ...(axis.min === undefined ? {} : { min: axis.min }),
    ...(axis.max === undefined ? {} : { max: axis.max }),
    ...(side === 'x' ? { name: axis.name, nameLocation: 'middle', nameGap: 28 + (breaks ? 14 : 0) } : {}),
    nameTextStyle: { color: 'currentColor', fontFamily: FONT, fontSize: 12 },
    axisLabel: {
      color: 'currentColor',
      fontFamily: FONT,
      fontSize: 12,
      hideOverlap: true,
      ...(axis.categories ? { interval: 0, width: room, overflow: 'break' } : { formatter: axis.format ?? formatTick }),
    },
    axisLine: line,
    axisTick: { ...line, alignWithLabel: true },
    splitLine: grid,
    minorTick: { show: false },
  };
};

/** What the name of a category may take; a longer one takes two lines. */
const labelWidth = ({ categories = [] }: Axis, width: number): number => Math.max(40, (width - 80) / Math.max(1, categories.length) - 6);

const SUFFIXES = ['', 'k', 'M', 'G', 'T'] as const;

/** `1,234`, `0.05`, `12.5k`, `1.2M`, `1e-7`. */
export const formatTick = (value: number): string => {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e15)) return value.toExponential(0);
  if (size < 10_000) return Number.isInteger(value) ? formatCount(value) : String(Number(value.toPrecision(4)));
  const power = Math.min(SUFFIXES.length - 1, Math.floor(Math.log10(size) / 3));
  return `${Number((value / 1000 ** power).toPrecision(3))}${SUFFIXES[power]}`;
};

/** ECharts numbers ids over a process' life and adds hooks for its browser half; both go. */
const finish = (svg: string, chart: Chart, { width, height, standalone }: Required<ChartOptions>): string => {
  const body = svg
    .replace(/^<svg[^>]*>/, '')
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/ (?:class|ecmeta_\w+|pointer-events|xml:space)="[^"]*"/g, '')
    .replace(/<path d="[^"]*"(?: transform="[^"]*")? fill="none"><\/path>\n/g, '')
    .replace(/<\/svg>\s*$/, '')
    .replace(/\n\s*\n/g, '\n');
  const id = `c${createHash('sha256')
    .update(`${width}x${height} ${JSON.stringify(chart)}`)
    .digest('hex')
    .slice(0, 10)}`;
  const own = body.replace(/zr\d+-(\w+)/g, `${id}-$1`);
  const described = chart.description === undefined ? '' : `<desc id="${id}-d">${escapeXml(chart.description)}</desc>`;
  const labels = `aria-labelledby="${id}-t"${described === '' ? '' : ` aria-describedby="${id}-d"`}`;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" ${labels}>`;
  return `${head}<title id="${id}-t">${escapeXml(chart.title)}</title>${described}${standalone ? STANDALONE : ''}${own.trim()}</svg>\n`;
};

const paletteOf = (theme: 'light' | 'dark'): string => PALETTE.map((each, index) => `--chart-${index + 1}:${each[theme]}`).join(';');
const STANDALONE = `<style>svg{color:#1c2128;background:#fff;${paletteOf('light')}}@media (prefers-color-scheme:dark){svg{color:#e4e8ed;background:#12161c;${paletteOf('dark')}}}</style>`;

import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemParams } from 'echarts';

/** [x, y] */
export type Point = readonly [number, number];

export type Series =
  | {
      readonly kind: 'line';
      readonly name: string;
      /** In order of x. */
      readonly points: readonly Point[];
      /** [x, low, high]: an area around the line, such as a standard deviation or a pair of percentiles. */
      readonly band?: readonly (readonly [number, number, number])[];
      readonly dashed?: boolean;
      readonly markers?: boolean;
    }
  | {
      readonly kind: 'scatter';
      readonly name: string;
      readonly points: readonly Point[];
      /** Diameter in pixels; default 7. */
      readonly size?: number;
      /** [x, low, high]: error bars. */
      readonly bars?: readonly (readonly [number, number, number])[];
    }
  | {
      readonly kind: 'bar';
      readonly name: string;
      /** One for each category of the x axis. */
      readonly values: readonly number[];
      /** Bars of series with the same stack stand on each other. */
      readonly stack?: string;
    }
  | {
      readonly kind: 'histogram';
      readonly name: string;
      /** Neighbouring, in order; `height` is the y value: a count, share or density. */
      readonly bins: readonly { readonly from: number; readonly to: number; readonly height: number }[];
    };

type Look = { readonly colour: string; readonly index: number; readonly log: { readonly x: boolean; readonly y: boolean } };

/** Lines can be distinguished without colour: by dash and by marker. */
const DASHES = ['solid', [7, 4], [2, 3], [9, 3, 2, 3]] as const;
const MARKERS = ['circle', 'rect', 'triangle', 'diamond'] as const;

/** A line of one point would not be seen without a marker. */
export const isMarked = ({ markers, points }: Extract<Series, { kind: 'line' }>): boolean => markers === true || points.length === 1;

/** ECharts' series for one of ours: bands, error bars and histograms are polygons of its `custom` kind, which also fit log axes. */
export const plotted = (series: Series, look: Look): object[] => {
  const { name } = series;
  const { colour, index } = look;
  const shared = { name, silent: true, itemStyle: { color: colour } };
  switch (series.kind) {
    case 'line': {
      const type = series.dashed === true ? [5, 5] : DASHES[Math.floor(index / 2) % DASHES.length];
      const symbol = MARKERS[index % MARKERS.length];
      return [
        ...(series.band ? [band(series.band, look)] : []),
        {
          ...shared,
          type: 'line',
          data: series.points.map((point) => shown(point, look)),
          symbol: isMarked(series) ? symbol : 'none',
          symbolSize: 7,
          sampling: 'lttb',
          lineStyle: { color: colour, width: 2, type },
        },
      ];
    }
    case 'scatter':
      return [
        ...(series.bars ? [errorBars(series.bars, look)] : []),
        {
          ...shared,
          type: 'scatter',
          data: series.points.map((point) => shown(point, look)),
          symbol: MARKERS[index % MARKERS.length],
          symbolSize: series.size ?? 7,
          itemStyle: { color: colour, opacity: 0.8 },
        },
      ];
    case 'bar':
      return [
        { ...shared, type: 'bar', data: series.values, barMaxWidth: 48, ...(series.stack === undefined ? {} : { stack: series.stack }) },
      ];
    case 'histogram':
      return [histogram(series.bins, series.name, look)];
  }
};

const fits = (value: number, log: boolean): boolean => Number.isFinite(value) && (!log || value > 0);

/** ECharts draws a gap for `-`. */
const shown = ([x, y]: Point, { log }: Look): readonly (number | '-')[] => [x, fits(x, log.x) && fits(y, log.y) ? y : '-'];

/** Where a polygon on a log axis ends that goes down to 0. */
const FLOOR = 1e-9;

const band = (rows: readonly (readonly [number, number, number])[], { colour, log }: Look): object => {
  const kept = rows.filter(([x, low, high]) => fits(x, log.x) && Number.isFinite(low) && fits(high, log.y));
  return {
    type: 'custom',
    silent: true,
    clip: true,
    z: 1,
    // One polygon for all rows, drawn with the first; all of them are there so that the axes include them.
    data: kept.flatMap(([x, low, high]) => [
      [x, log.y ? Math.max(low, FLOOR) : low],
      [x, high],
    ]),
    renderItem: ({ dataIndex }: CustomSeriesRenderItemParams, api: CustomSeriesRenderItemAPI) => {
      if (dataIndex !== 0) return null;
      const upper = kept.map(([x, , high]) => api.coord([x, high]));
      const lower = kept.map(([x, low]) => api.coord([x, log.y ? Math.max(low, FLOOR) : low])).reverse();
      return { type: 'polygon', shape: { points: [...upper, ...lower] }, style: { fill: colour, opacity: 0.18 } };
    },
  };
};

const errorBars = (rows: readonly (readonly [number, number, number])[], { colour, log }: Look): object => ({
  type: 'custom',
  silent: true,
  clip: true,
  data: rows.filter(([x, low, high]) => fits(x, log.x) && fits(low, log.y) && fits(high, log.y)),
  encode: { x: 0, y: [1, 2] },
  renderItem: (_: CustomSeriesRenderItemParams, api: CustomSeriesRenderItemAPI) => {
    const [x, low, high] = [api.value(0), api.value(1), api.value(2)] as [number, number, number];
    const [left, top] = api.coord([x, high]) as [number, number];
    const [, bottom] = api.coord([x, low]) as [number, number];
    const line = (x1: number, y1: number, x2: number, y2: number) => ({
      type: 'line' as const,
      shape: { x1, y1, x2, y2 },
      style: { stroke: colour, lineWidth: 1.5 },
    });
    return {
      type: 'group',
      children: [line(left, top, left, bottom), line(left - 4, top, left + 4, top), line(left - 4, bottom, left + 4, bottom)],
    };
  },
});

const histogram = (
  bins: readonly { readonly from: number; readonly to: number; readonly height: number }[],
  name: string,
  { colour, log }: Look,
): object => ({
  type: 'custom',
  name,
  silent: true,
  clip: true,
  itemStyle: { color: colour },
  data: bins.filter(({ from, height }) => fits(from, log.x) && fits(height, log.y)).map(({ from, to, height }) => [from, to, height]),
  encode: { x: [0, 1], y: 2 },
  renderItem: (_: CustomSeriesRenderItemParams, api: CustomSeriesRenderItemAPI) => {
    const [from, to, height] = [api.value(0), api.value(1), api.value(2)] as [number, number, number];
    const [left, top] = api.coord([from, height]) as [number, number];
    const [right, bottom] = api.coord([to, log.y ? FLOOR : 0]) as [number, number];
    return {
      type: 'rect',
      shape: { x: left, y: top, width: Math.max(1, right - left - 1), height: Math.max(0, bottom - top) },
      style: { fill: colour, opacity: 0.75 },
    };
  },
});

import type { History, ScorePoint } from '../live/frame.js';
import { byId } from './dom.js';
import { millis, short, size } from './format.js';
import { colour } from './theme.js';
import uPlot from './uplot.js';

export type Charts = {
  show(history: History, scores: readonly ScorePoint[]): void;
  resize(): void;
  recolour(): void;
};

const HEIGHT = 270;

/** Two charts over the rounds; drawn anew only when there is something new. */
export const createCharts = (): Charts => {
  let plots: { readonly error: uPlot; readonly cost: uPlot } | undefined;
  let shown: { readonly history: History; readonly scores: readonly ScorePoint[] } | undefined;

  const widthOf = (id: string): number => Math.max(240, byId(id).clientWidth);
  const make = () => ({ error: errorChart(widthOf('chart-error')), cost: costChart(widthOf('chart-cost')) });
  const fill = (): void => {
    if (!shown || !plots) return;
    plots.error.setData(errorData(shown.history, shown.scores));
    const { round, down, up, millis: time } = shown.history;
    plots.cost.setData([[...round], [...down], [...up], [...time]]);
  };

  return {
    show: (history, scores) => {
      if (shown?.history === history && shown.scores === scores) return;
      shown = { history, scores };
      plots ??= make();
      fill();
    },
    resize: () => {
      plots?.error.setSize({ width: widthOf('chart-error'), height: HEIGHT });
      plots?.cost.setSize({ width: widthOf('chart-cost'), height: HEIGHT });
    },
    recolour: () => {
      if (!plots) return;
      plots.error.destroy();
      plots.cost.destroy();
      plots = make();
      fill();
    },
  };
};

/** One x axis for the rounds and the epochs' ends; what is not known at one of them is null, and lines pass over it. */
const errorData = (history: History, scores: readonly ScorePoint[]): uPlot.AlignedData => {
  const rounds = [...new Set([...history.round, ...scores.map(({ round }) => round)])].sort((a, b) => a - b);
  const loss = new Map(history.round.map((round, index) => [round, history.loss[index] ?? null]));
  const score = new Map(scores.map((point) => [point.round, point]));
  return [
    rounds,
    rounds.map((round) => loss.get(round) ?? null),
    rounds.map((round) => score.get(round)?.validMse ?? null),
    rounds.map((round) => score.get(round)?.testMse ?? null),
  ];
};

const axis = (more: uPlot.Axis): uPlot.Axis => ({
  stroke: colour('faint'),
  font: '12px system-ui, sans-serif',
  labelFont: '12px system-ui, sans-serif',
  labelSize: 18,
  grid: { stroke: colour('line'), width: 1 },
  ticks: { stroke: colour('line'), width: 1, size: 4 },
  ...more,
});

const line = (label: string, mark: string, more: Partial<uPlot.Series>): uPlot.Series => ({
  label,
  stroke: colour(mark),
  width: 1.75,
  spanGaps: true,
  points: { show: false },
  ...more,
});

const options = (width: number): Pick<uPlot.Options, 'width' | 'height' | 'legend' | 'cursor' | 'padding'> => ({
  width,
  height: HEIGHT,
  legend: { live: true },
  cursor: { y: false, drag: { x: true, y: false } },
  padding: [12, 12, 0, 0],
});

const roundAxis = (): uPlot.Axis =>
  axis({ label: 'round', size: 30, labelGap: 0, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? short(tick) : '')) });
const roundSeries: uPlot.Series = { label: 'round', value: (_, value) => (value === null ? '–' : String(value)) };
const fixed = (_: uPlot, value: number | null): string => (value === null ? '–' : value.toFixed(4));

const errorChart = (width: number): uPlot =>
  new uPlot(
    {
      ...options(width),
      scales: { x: { time: false } },
      axes: [roundAxis(), axis({ size: 56, label: 'MSE', values: (_, ticks) => ticks.map((tick) => String(Number(tick.toPrecision(4)))) })],
      series: [
        roundSeries,
        line('train', 'c6', { value: fixed, width: 1.25 }),
        line('validation', 'c1', { value: fixed, points: { show: true, size: 6, fill: colour('c1') } }),
        line('test', 'c2', { value: fixed, dash: [6, 3], points: { show: true, size: 6, fill: colour('c2') } }),
      ],
    },
    [[], [], [], []],
    byId('chart-error'),
  );

const costChart = (width: number): uPlot =>
  new uPlot(
    {
      ...options(width),
      scales: {
        x: { time: false },
        bytes: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] },
        time: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] },
      },
      axes: [
        roundAxis(),
        axis({ scale: 'bytes', size: 64, label: 'bytes a round', values: (_, ticks) => ticks.map(size) }),
        axis({
          scale: 'time',
          side: 1,
          size: 66,
          label: 'time a round',
          grid: { show: false },
          values: (_, ticks) => ticks.map((tick) => (tick === 0 ? '0' : millis(tick))),
        }),
      ],
      series: [
        roundSeries,
        line('down', 'c1', { scale: 'bytes', value: (_, value) => (value === null ? '–' : size(value)) }),
        line('up', 'c3', { scale: 'bytes', dash: [6, 3], value: (_, value) => (value === null ? '–' : size(value)) }),
        line('time', 'c2', { scale: 'time', width: 1, value: (_, value) => (value === null ? '–' : millis(value)) }),
      ],
    },
    [[], [], [], []],
    byId('chart-cost'),
  );

import type { History, RunCard, ScorePoint } from '../live/frame.js';
import { byId } from './dom.js';
import { metricTitle, millis, short, size } from './format.js';
import { colour } from './theme.js';
import uPlot from './uplot.js';

export type Charts = {
  show(run: RunCard, history: History, scores: readonly ScorePoint[]): void;
  resize(): void;
  recolour(): void;
};

const HEIGHT = 270;

/** Two charts over the rounds. They are drawn again only when there is new data. */
type Shown = { readonly run: RunCard; readonly history: History; readonly scores: readonly ScorePoint[] };

export const createCharts = (): Charts => {
  let plots: { readonly error: uPlot; readonly cost: uPlot } | undefined;
  let shown: Shown | undefined;

  const widthOf = (id: string): number => Math.max(240, byId(id).clientWidth);
  const make = (run: RunCard) => ({ error: errorChart(widthOf('chart-error'), run), cost: costChart(widthOf('chart-cost')) });
  const fill = (): void => {
    if (!shown || !plots) return;
    plots.error.setData(errorData(shown));
    const { round, down, up, millis: time } = shown.history;
    plots.cost.setData([[...round], [...down], [...up], [...time]]);
  };
  const renew = (): void => {
    if (!shown || !plots) return;
    plots.error.destroy();
    plots.cost.destroy();
    plots = make(shown.run);
    fill();
  };

  return {
    show: (run, history, scores) => {
      if (shown?.history === history && shown.scores === scores && shown.run === run) return;
      const another = shown !== undefined && shown.run.stopOn !== run.stopOn;
      shown = { run, history, scores };
      if (another) return renew();
      plots ??= make(run);
      fill();
    },
    resize: () => {
      plots?.error.setSize({ width: widthOf('chart-error'), height: HEIGHT });
      plots?.cost.setSize({ width: widthOf('chart-cost'), height: HEIGHT });
    },
    recolour: renew,
  };
};

/** One x axis for the rounds and the epochs' ends. A value that is not known there is null, and lines pass over it. */
const errorData = ({ run, history, scores }: Shown): uPlot.AlignedData => {
  const rounds = [...new Set([...history.round, ...scores.map(({ round }) => round)])].sort((a, b) => a - b);
  const loss = new Map(history.round.map((round, index) => [round, history.loss[index] ?? null]));
  const score = new Map(scores.map((point) => [point.round, point]));
  return [
    rounds,
    rounds.map((round) => loss.get(round) ?? null),
    rounds.map((round) => score.get(round)?.valid[run.stopOn] ?? null),
    rounds.map((round) => score.get(round)?.test[run.stopOn] ?? null),
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

const tidy = (_: uPlot, ticks: readonly number[]): string[] => ticks.map((tick) => String(Number(tick.toPrecision(4))));

/** The train loss has its own axis, unless it is the same metric, of other ratings. */
const errorChart = (width: number, { stopOn, isLoss }: RunCard): uPlot =>
  new uPlot(
    {
      ...options(width),
      scales: { x: { time: false } },
      axes: [
        roundAxis(),
        axis({ size: 56, label: metricTitle(stopOn), values: tidy }),
        ...(isLoss ? [] : [axis({ scale: 'loss', side: 1, size: 56, label: 'train loss', grid: { show: false }, values: tidy })]),
      ],
      series: [
        roundSeries,
        line('train', 'c6', { value: fixed, width: 1.25, ...(isLoss ? {} : { scale: 'loss' }) }),
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

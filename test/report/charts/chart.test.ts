import { describe, expect, it } from 'vitest';
import { type Chart, formatTick, renderChart } from '../../../src/report/charts/chart.js';

const axes = { x: { name: 'bytes (B)' }, y: { name: 'MSE (stars²)' } };
const line: Chart = {
  title: 'Error & <bytes>',
  description: 'Falls.',
  ...axes,
  series: [
    {
      kind: 'line',
      name: 'test',
      points: [
        [1, 2],
        [10, 1],
        [100, 0.5],
      ],
      band: [
        [1, 1.5, 2.5],
        [100, 0.4, 0.6],
      ],
    },
  ],
};
const bars: Chart = {
  title: 'Devices',
  x: { name: 'class', categories: ['phone', 'tablet'] },
  y: { name: 'devices' },
  series: [
    { kind: 'bar', name: 'admitted', values: [3, 1], stack: 'all' },
    { kind: 'bar', name: 'refused', values: [1, 2], stack: 'all' },
  ],
};
const histogram: Chart = {
  title: 'Times',
  x: { name: 'time (ms)', scale: 'log' },
  y: { name: 'rounds' },
  series: [
    {
      kind: 'histogram',
      name: 'rounds',
      bins: [
        { from: 1, to: 10, height: 4 },
        { from: 10, to: 100, height: 2 },
      ],
    },
  ],
};

/** Rectangles and polygons a series drew, by its colour. */
const shapes = (svg: string, colour: number): string[] =>
  [...svg.matchAll(/<(?:path d|polygon points)="([^"]+)"[^>]*>/g)]
    .filter(([tag]) => tag.includes(`fill="var(--chart-${colour},`))
    .map(([, path]) => path!);

describe('a chart', () => {
  it('is the same bytes for the same input, whatever was drawn before it', () => {
    const first = renderChart(line);
    for (const other of [bars, histogram]) renderChart(other);
    expect(renderChart(line)).toBe(first);
    expect(renderChart(line, { width: 340 })).not.toBe(first);
  });

  it('names itself, its axes and its series, escaped', () => {
    const svg = renderChart({ ...line, series: [...line.series, { kind: 'scatter', name: 'a < b', points: [[1, 1]] }] });
    expect(svg).toMatch(
      /^<svg [^>]*role="img" aria-labelledby="(\w+-t)" aria-describedby="(\w+-d)"><title id="\1">Error &amp; &lt;bytes&gt;<\/title><desc id="\2">/,
    );
    for (const name of ['bytes (B)', 'MSE (stars²)', 'a &lt; b']) expect(svg).toContain(`>${name}<`);
    expect(svg).not.toContain('<bytes>');
  });

  it('has no fixed colour for text, no script, no style of its own and no address', () => {
    const svg = renderChart(line);
    expect(svg).toContain('fill="currentColor"');
    expect(svg).not.toMatch(/<style|<script|class=|href/);
    expect(renderChart(line, { standalone: true })).toMatch(/<style>.*prefers-color-scheme:dark/);
  });

  it('draws a band, bars and bins where their values are', () => {
    expect(shapes(renderChart(line), 1)).toHaveLength(1);
    expect(shapes(renderChart({ ...line, series: [{ ...line.series[0]!, band: [] } as (typeof line.series)[0]] }), 1)).toHaveLength(0);
    // Two bars and the legend's mark.
    expect(shapes(renderChart(bars), 2)).toHaveLength(3);
    const [first, second] = shapes(renderChart(histogram), 1).map((path) =>
      /M(-?[\d.]+) (-?[\d.]+)l(-?[\d.]+) 0l0 (-?[\d.]+)/.exec(path)!.slice(1).map(Number),
    );
    expect(second![0]! - first![0]!).toBeCloseTo(first![2]! + 1, 0);
    expect(first![3]! / second![3]!).toBeCloseTo(2, 1);
  });

  it('leaves gaps for what cannot be shown', () => {
    const points = [
      [1, 1],
      [2, Number.NaN],
      [3, 0],
      [4, 1],
    ] as const;
    const curve = (scale: 'linear' | 'log') =>
      renderChart({ title: 't', x: { name: 'x' }, y: { name: 'y', scale }, series: [{ kind: 'line', name: 's', points }] });
    const moves = (svg: string) => /<path d="([^"]+)"[^>]*stroke="var\(--chart-1/.exec(svg)![1]!.match(/[ML]/g)!.join('');
    expect(moves(curve('linear'))).toBe('MML');
    expect(curve('log')).not.toContain('NaN');
    expect(moves(curve('log'))).not.toContain('L');
  });

  it('thins a long line to what can be seen', () => {
    const points = Array.from({ length: 100_000 }, (_, index) => [index, Math.sin(index / 1000)] as const);
    expect(renderChart({ ...line, series: [{ kind: 'line', name: 's', points }] }).length).toBeLessThan(40_000);
  });

  it('writes ticks short', () => {
    expect([0, 5, 1234, 12_500, 1_200_000, 0.05, 1e-7, -3e9].map(formatTick)).toEqual([
      '0',
      '5',
      '1,234',
      '12.5k',
      '1.2M',
      '0.05',
      '1e-7',
      '-3G',
    ]);
  });
});

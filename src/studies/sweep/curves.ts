import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderChart, type Series } from '../../report/charts/chart.js';
import { describePowerLaw, fitPowerLaw, type Point, type PowerLaw } from '../../report/charts/power-law.js';
import type { SweepRow } from './rows.js';
import type { Curve } from './sweep-file.js';

type Line = { readonly name: string; readonly points: readonly Point[]; readonly law: PowerLaw | undefined };

/** A curve's lines, one for each value of `by`; repeats are points of their own. */
const linesOf = ({ x, y, by }: Curve, rows: readonly SweepRow[]): Line[] => {
  const names = [...new Set(rows.map((row) => (by === undefined ? '' : String(row[by]))))];
  return names.map((name) => {
    const points = rows
      .filter((row) => by === undefined || String(row[by]) === name)
      .map((row) => ({ x: Number(row[x] ?? Number.NaN), y: Number(row[y] ?? Number.NaN) }))
      .filter(({ x: at, y: value }) => at > 0 && value > 0)
      .toSorted((a, b) => a.x - b.x);
    return { name, points, law: fitPowerLaw(points) };
  });
};

/** The points, and the fitted power law, which is straight on logarithmic axes. */
const seriesOf = ({ name, points, law }: Line, curve: Curve): Series[] => {
  const label = name === '' ? curve.y : `${curve.by} ${name}`;
  const measured: Series = { kind: 'scatter', name: label, points: points.map(({ x, y }) => [x, y]) };
  if (law === undefined) return [measured];
  const ends = [points[0]!.x, points.at(-1)!.x].map((x): [number, number] => [x, law.factor * x ** law.exponent]);
  return [measured, { kind: 'line', name: `${label}: ${describePowerLaw(curve.x, law)}`, points: ends, dashed: true }];
};

const titleOf = ({ title, x, y }: Curve): string => title ?? `${y} against ${x}`;

/** Draws each curve as `<y>-by-<x>.svg` in the folder, and says the exponents. */
export const writeCurves = (curves: readonly Curve[], rows: readonly SweepRow[], folder: string): string[] =>
  curves.flatMap((curve) => {
    const lines = linesOf(curve, rows).filter(({ points }) => points.length > 0);
    if (lines.length === 0) return [`${titleOf(curve)}: no run has both columns`];
    const said = lines.map(({ name, law }) => {
      const place = name === '' ? '' : ` (${curve.by} ${name})`;
      return law === undefined
        ? `${curve.y}${place}: too few points for an exponent`
        : `${curve.y} grows as ${describePowerLaw(curve.x, law)}${place}`;
    });
    const svg = renderChart(
      {
        title: titleOf(curve),
        description: said.join('; '),
        x: { name: curve.x, scale: 'log' },
        y: { name: curve.y, scale: 'log' },
        series: lines.flatMap((line) => seriesOf(line, curve)),
      },
      { standalone: true },
    );
    const file = join(folder, `${curve.y}-by-${curve.x}.svg`.replace(/[^A-Za-z0-9_.-]+/g, '-'));
    writeFileSync(file, svg);
    return [...said, file];
  });

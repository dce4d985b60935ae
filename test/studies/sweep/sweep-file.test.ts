import { describe, expect, it } from 'vitest';
import type { Config } from '../../../src/runs/config/config.js';
import { parseSweep } from '../../../src/studies/sweep/sweep-file.js';

const FILE = 'a.yaml';
const hiddenOf = (config: Config): unknown => (config['metamf'] as { hidden: number }).hidden;
const parse = (text: string) => parseSweep(text, FILE);

describe('a sweep file', () => {
  it('gives a run for every combination of its grid, each repeated with the next seed', () => {
    const { points } = parse('base: { seed: 5 }\ngrid: { cohort: [8, 16], metamf.hidden: [4, 5, 6] }\nrepeats: 2\n');
    expect(points.map(({ config, repeat }) => [config.cohort, hiddenOf(config), repeat, config.seed])).toEqual(
      [8, 16].flatMap((cohort) => [4, 5, 6].flatMap((hidden) => [0, 1].map((repeat) => [cohort, hidden, repeat, 5 + repeat]))),
    );
    expect(new Set(points.map(({ name }) => name)).size).toBe(12);
  });

  it('runs each entry of its list in every combination of the grid', () => {
    const { points } = parse(
      'list:\n  - { cohort: 8, dtype: f16 }\n  - { cohort: 9, metamf.hidden: 7 }\ngrid: { delivery: [full, subset] }\n',
    );
    const seen = points.map(({ config }) => [config.cohort, config.dtype, config.delivery, hiddenOf(config)]);
    expect(seen).toEqual([
      [8, 'f16', 'full', 512],
      [8, 'f16', 'subset', 512],
      [9, 'f32', 'full', 7],
      [9, 'f32', 'subset', 7],
    ]);
    expect(points[2]!.varied).toEqual({ cohort: 9, 'metamf.hidden': 7, delivery: 'full' });
  });

  it('starts from a preset and leaves out what only watches a run, unless it is asked for', () => {
    const { points } = parse('preset: paper\nbase: { metrics.enabled: true }\n');
    expect(points).toHaveLength(1);
    expect(points[0]!.config).toMatchObject({ ratings: 1, baselines: false, metrics: { enabled: true }, checkpoint: { best: false } });
  });

  it('names a run by its configuration alone: not by its place in the file, nor by where results lie', () => {
    const [eight, sixteen] = parse('grid: { cohort: [8, 16] }\n').points;
    const later = parse('base: { results: elsewhere }\ngrid: { cohort: [4, 16, 8] }\n').points;
    expect(later.map(({ name }) => name)).toEqual([expect.any(String), sixteen!.name, eight!.name]);
    expect(parse('base: { epochs: 3 }\ngrid: { cohort: [8] }\n').points[0]!.name).not.toBe(eight!.name);
  });

  it.each([
    ['grdi: { cohort: [1] }\n', 'a.yaml:1, key grdi: expected a known key (did you mean grid?), found "grdi"'],
    ['grid:\n  cohrot: [8]\n', 'a.yaml:2, key grid.cohrot: expected a known key (did you mean cohort?), found "cohrot"'],
    ['grid:\n  metamf.hidden: [8, many]\n', 'a.yaml:2, key grid.metamf.hidden: expected a number, found "many"'],
    ['grid: { cohort: [] }\n', 'a.yaml:1, key grid.cohort: expected a list of at least 1, found []'],
    ['grid: { cohort: 8 }\n', 'a.yaml:1, key grid.cohort: expected an array, found 8'],
    ['base:\n  metamf:\n    hidden: 0\n', 'a.yaml:3, key base.metamf.hidden: expected a number ≥ 1, found 0'],
    ['list:\n  - cohort: 0\n', 'a.yaml:2, key list.0.cohort: expected a number ≥ 1, found 0'],
    [
      'list: [{ cohort: 8 }]\ngrid: { cohort: [9] }\n',
      'a.yaml:2, key grid.cohort: expected a key that list does not vary, found one that it does',
    ],
    ['grid: { cohort: [8, 8] }\n', 'a.yaml: expected points that differ, found {"cohort":8} twice'],
    [
      'curves: [{ x: devices, y: roundMilis }]\n',
      'a.yaml:1, key curves.0.y: expected a column of the result or a key that varies, found "roundMilis"',
    ],
    ['repeats: 0\n', 'a.yaml:1, key repeats: expected a number ≥ 1, found 0'],
    ['preset: fast\n', 'a.yaml:1, key preset: expected "default" or "paper" or "ml-1m" or "ciao", found "fast"'],
  ])('is refused with one line that says where: %j', (text, message) => {
    expect(() => parse(text)).toThrow(new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`));
  });

  it('refuses a setting, or a key of its grid, that no point reads', () => {
    expect(() => parse('base:\n  algorithm: fedavg\n  metamf: { hidden: 7 }\n')).toThrow(/^a\.yaml:3, key base\.metamf\.hidden: only /);
    expect(() => parse('base: { algorithm: fedavg }\ngrid:\n  metamf.hidden: [7, 8]\n')).toThrow(
      /^a\.yaml:3, key grid\.metamf\.hidden: only /,
    );
    expect(parse('base: { metamf: { hidden: 7 } }\ngrid: { algorithm: [fedavg, metamf] }\n').points).toHaveLength(2);
  });
});

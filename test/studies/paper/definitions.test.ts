import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/runs/config/parse-config.js';
import { AUTHORS, configurationsFor } from '../../../src/studies/paper/configurations.js';
import { type Line, regimesOf, STUDIES, studyOf } from '../../../src/studies/paper/definitions.js';
import { PAPER_SETS, type PaperSet, paperSetOf, TABLE_2, TABLE_3, TABLE_4 } from '../../../src/studies/paper/published.js';

const SETS = [...(Object.keys(PAPER_SETS) as PaperSet[]), undefined];

const configOf = ({ label, settings }: Line) =>
  resolveConfig(
    ...settings.map((tree) => ({
      tree: tree as Record<string, unknown>,
      place: (path: readonly PropertyKey[]) => `${label} ${path.join('.')}`,
    })),
  );

describe('the studies', () => {
  it('have valid configurations for every set, each line another one', () => {
    for (const set of SETS) {
      for (const lines of [...STUDIES.map((name) => studyOf(name, set).lines), regimesOf(set, { authors: true })]) {
        const configs = lines.map((line) => JSON.stringify(configOf(line)));
        expect(new Set(configs).size).toBe(lines.length);
      }
    }
  });

  it('compare lines that there are', () => {
    for (const name of STUDIES) {
      const { lines, comparisons } = studyOf(name, 'ml-1m');
      for (const label of comparisons.flat()) expect(lines.map((line) => line.label)).toContain(label);
    }
  });

  it('share MetaMF between tables, so that it is trained once', () => {
    for (const set of SETS) {
      const first = STUDIES.filter((name) => name !== 'table4').map((name) => JSON.stringify(configOf(studyOf(name, set).lines[0]!)));
      expect(new Set(first).size).toBe(1);
    }
    expect(configOf(studyOf('table4', 'ml-1m').lines[2]!)).toEqual(configOf(studyOf('table2', 'ml-1m').lines[0]!));
  });

  it('train the paper’s sizes, and the authors’ regime by the letter', () => {
    const { metamf } = configOf(studyOf('table2', 'ml-1m').lines[0]!);
    expect(metamf).toMatchObject({
      userEmbedding: 32,
      collaborative: 128,
      hidden: 512,
      lowRank: 8,
      itemEmbedding: 32,
      units: 8,
      variant: 'full',
    });
    expect(AUTHORS).toMatchObject({ cohort: 64, ratings: 1, sampling: 'activity', optimizer: { rate: 1e-4, decay: 1e-3, clip: 5 } });
    expect(configurationsFor(undefined).table).toEqual({});
  });

  it('know the paper’s sets by their sizes', () => {
    expect(paperSetOf({ users: 6040, items: 3706 })).toBe('ml-1m');
    expect(paperSetOf({ users: 6040, items: 3707 })).toBeUndefined();
  });
});

const FIGURES = join('..', 'shared', 'papers', 'published.json');

it('the published figures are those of the papers’ tables', (ctx) => {
  if (!existsSync(FIGURES)) return ctx.skip('shared/papers is not beside this project');
  type Table = { readonly columns: readonly string[] } & Readonly<Record<string, unknown>>;
  const { metamf } = JSON.parse(readFileSync(FIGURES, 'utf8')) as { readonly metamf: Readonly<Record<string, Table>> };
  const plain = (label: string): string => label.replaceAll(' ', '');
  for (const [name, ours] of [
    ['table2_mae_mse', TABLE_2],
    ['table3_mae_mse', TABLE_3],
    ['table4_metamf_scale_mae_mse', TABLE_4],
  ] as const) {
    const { columns, ...rows } = metamf[name]!;
    expect(Object.keys(ours).map(plain)).toEqual(Object.keys(rows).map(plain));
    for (const [label, figures] of Object.entries(ours)) {
      const theirs = rows[Object.keys(rows).find((row) => plain(row) === plain(label))!] as readonly unknown[];
      expect(columns.map((set) => figures[set as PaperSet] ?? null)).toEqual(theirs);
    }
  }
});

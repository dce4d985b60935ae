import type { StoredLine, StoredRun } from '../../runs/folder/stored-run.js';
import { html } from '../page/html.js';
import { csv, downloads, type Section, table } from '../page/page.js';

export const environmentSection = (runs: readonly StoredRun[]): Section => ({
  title: 'Environment',
  body: [
    table({
      caption: 'Where it ran',
      columns: ['run', 'metafleet', 'Node', 'platform', 'processor', 'processors', 'kernels', 'digest of Θ'].map((title) => ({ title })),
      rows: runs.map(({ name, summary: { environment: e, digest } }) => [
        name,
        e.metafleet,
        e.node,
        e.platform,
        e.cpu,
        String(e.cpus),
        e.kernels,
        html`<code>${digest === null ? '–' : digest.slice(0, 16)}</code>`,
      ]),
    }),
  ],
});

const flat = (value: unknown, place = ''): [string, string][] =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, inner]) => flat(inner, place === '' ? key : `${place}.${key}`))
    : [[place, JSON.stringify(value)]];

export const configurationSection = (runs: readonly StoredRun[]): Section => {
  const maps = runs.map(({ summary }) => new Map(flat(summary.config)));
  const keys = [...new Set(maps.flatMap((map) => [...map.keys()]))];
  const differing = keys.filter((key) => new Set(maps.map((map) => map.get(key))).size > 1);
  return {
    title: 'Configuration',
    body: [
      ...(runs.length > 1
        ? [
            differing.length === 0
              ? html`<p>All runs have the same configuration.</p>`
              : table({
                  caption: 'Where they differ',
                  columns: [{ title: 'key' }, ...runs.map(({ name }) => ({ title: name }))],
                  rows: differing.map((key) => [key, ...maps.map((map) => map.get(key) ?? '–')]),
                }),
          ]
        : []),
      ...runs.map(
        ({ name, config }) => html`<details><summary>config.yaml of ${name}</summary><pre tabindex="0">${config}</pre></details>`,
      ),
    ],
  };
};

const linesAsCsv = (lines: readonly StoredLine[]): string => {
  const columns = [...new Set(lines.flatMap(Object.keys))];
  return csv(
    columns,
    lines.map((line) => columns.map((column) => line[column] ?? null)),
  );
};

export const dataSection = (runs: readonly StoredRun[]): Section => ({
  title: 'Data',
  lead: 'What this page was made from, within this file.',
  body: runs.map(({ name, summary, config, rounds, epochs }) =>
    downloads([
      { file: `${name}-summary.json`, text: `${JSON.stringify(summary, null, 2)}\n` },
      { file: `${name}-epochs.csv`, text: linesAsCsv(epochs) },
      { file: `${name}-rounds.csv`, text: linesAsCsv(rounds) },
      { file: `${name}-config.yaml`, text: config },
    ]),
  ),
});

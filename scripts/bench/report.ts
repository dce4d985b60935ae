import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';

/** One question a benchmark answers. */
export type Bench = { readonly question: string; run(options: BenchOptions): Promise<Report> };

export type BenchOptions = {
  /** Of every contender; medians are taken over them. */
  readonly repetitions: number;
  /** Of what is watched over a time (live-page). */
  readonly minutes: number;
  readonly note: (text: string) => void;
  /** Gives threads a processor each (pin.ts). */
  readonly pin: boolean;
};

export type Cell = string | number;
export type Table = { readonly title: string; readonly columns: readonly string[]; readonly rows: readonly (readonly Cell[])[] };

/** A figure the project has promised; `measured` is a ratio within one run wherever one exists. */
export type Target = { readonly claim: string; readonly measured: number; readonly bound: 'at least' | 'at most'; readonly wanted: number };

export type Report = {
  readonly tables: readonly Table[];
  readonly targets?: readonly Target[];
  readonly notes?: readonly string[];
  /** False when the benchmark is a check and it failed. */
  readonly passed?: boolean;
};

/** Three significant digits; whole numbers as they are. */
export const show = (cell: Cell): string => {
  if (typeof cell === 'string' || Number.isInteger(cell)) return String(cell);
  return Number.isFinite(cell) ? Number(cell.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 6, useGrouping: false }) : '-';
};

export const isMet = ({ measured, bound, wanted }: Target): boolean => (bound === 'at least' ? measured >= wanted : measured <= wanted);

const isNumber = (text: string): boolean => /^[\d.,-]+( ?[×%])?$/.test(text);

/** A Markdown table that is also readable as it stands: what is printed can go into docs/benchmarks. */
export const renderTable = ({ title, columns, rows }: Table): string => {
  const cells = [columns, ...rows.map((row) => row.map(show))];
  const widths = columns.map((_, index) => Math.max(3, ...cells.map((row) => (row[index] ?? '').length)));
  const right = columns.map((_, index) => rows.length > 0 && cells.slice(1).every((row) => isNumber(row[index] ?? '-')));
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, index) => (row[index] ?? '')[right[index] ? 'padStart' : 'padEnd'](width)).join(' | ')} |`;
  const rule = `|${widths.map((width, index) => `${'-'.repeat(width + 1)}${right[index] ? ':' : '-'}`).join('|')}|`;
  return [`### ${title}`, '', line(columns), rule, ...cells.slice(1).map(line)].join('\n');
};

const targetTable = (targets: readonly Target[]): Table => ({
  title: 'Against what was promised',
  columns: ['figure', 'measured', 'promised', ''],
  rows: targets.map((target) => {
    const { claim, measured, bound, wanted } = target;
    return [claim, measured, `${bound} ${wanted}`, isMet(target) ? 'met' : `missed, by ${show(shortfall(target))} ×`];
  }),
});

/** How many times too small, or too large. */
export const shortfall = ({ measured, bound, wanted }: Target): number => (bound === 'at least' ? wanted / measured : measured / wanted);

export const renderReport = ({ tables, targets = [], notes = [] }: Report): string =>
  [
    ...tables.map(renderTable),
    ...(targets.length > 0 ? [renderTable(targetTable(targets))] : []),
    ...(notes.length > 0 ? [notes.map((note) => `- ${note}`).join('\n')] : []),
  ].join('\n\n');

/** The load average belongs to the figures: on a machine that others use, they are worth less. */
export const describeMachine = () => {
  const processors = cpus();
  return { processor: processors[0]?.model.trim() ?? 'unknown', cores: processors.length, node: process.version, load: loadavg()[0] ?? 0 };
};

/** results/bench/<name>.json; returns its path. */
export const writeReport = (name: string, question: string, report: Report, before: ReturnType<typeof describeMachine>): string => {
  const folder = join('results', 'bench');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.json`);
  const machine = { ...before, loadAfter: loadavg()[0] ?? 0 };
  writeFileSync(path, `${JSON.stringify({ name, question, date: new Date().toISOString(), machine, ...report }, null, 2)}\n`);
  return path;
};

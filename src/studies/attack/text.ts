import type { AttackRow } from './measure.js';
import type { AttackResult } from './study.js';

const share = ({ measure }: AttackRow, value: number | null): string => {
  if (value === null) return '-';
  return measure === 'auc' ? value.toFixed(3) : `${(100 * value).toFixed(1)} %`;
};

const cellsOf = (row: AttackRow): readonly string[] => {
  const { attack, setting, method, measure, trials, success, chance, interval } = row;
  const span = interval === null ? '-' : interval.map((end) => share(row, end)).join(' to ');
  return [attack, setting, method, measure, share(row, success), span, share(row, chance), String(trials)];
};

/** The result as a table. */
export const attackText = ({ run, algorithm, round, devices, defences, rows }: AttackResult): string => {
  const steps = defences.length === 0 ? 'no update steps' : `update steps ${defences.join(', ')}`;
  const table = [['ATTACK', 'SETTING', 'METHOD', 'MEASURE', 'SUCCESS', '95 %', 'CHANCE', 'OF'], ...rows.map(cellsOf)];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => (column < 4 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ');
  return `${run} (${algorithm}, after round ${round}): ${devices} devices, ${steps}\n\n${table.map((cells) => `${line(cells).trimEnd()}\n`).join('')}`;
};

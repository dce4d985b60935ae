import type { StoredRun } from '../../runs/folder/stored-run.js';
import { formatBytes, formatCount, formatMillis } from '../format.js';
import { type Section, table } from '../page/page.js';
import { bytesFigures, latencyFigures } from './run-figures.js';

const numeric = (title: string) => ({ title, numeric: true });

export const latencySection = (runs: readonly StoredRun[]): Section => ({
  title: 'Latency',
  lead: 'Times on the machine that ran the simulation.',
  body: [
    ...latencyFigures(runs),
    table({
      caption: 'Percentiles',
      columns: [
        { title: 'run' },
        ...['round p50', 'round p95', 'round max', 'device step p50', 'device step p95', 'device step p99'].map(numeric),
      ],
      rows: runs.map(({ name, summary: { latency: l } }) => [
        name,
        ...[l.roundMillis.p50, l.roundMillis.p95, l.roundMillis.max, l.deviceMillis.p50, l.deviceMillis.p95, l.deviceMillis.p99].map(
          formatMillis,
        ),
      ]),
    }),
  ],
});

export const bytesSection = (runs: readonly StoredRun[]): Section => ({
  title: 'Bytes',
  lead: 'Counted where messages are encoded: what is reported as sent was sent.',
  body: [
    ...bytesFigures(runs),
    ...runs.map(({ name, summary }) =>
      table({
        caption: runs.length === 1 ? 'By kind of message' : `${name}: by kind of message`,
        columns: [
          { title: 'kind' },
          { title: 'purpose' },
          { title: 'direction' },
          { title: 'messages', numeric: true },
          { title: 'bytes', numeric: true },
          { title: 'mean size', numeric: true },
        ],
        rows: summary.bytes.byKind.map(({ kind, purpose, direction, messages, bytes: sent }) => [
          kind,
          purpose,
          direction,
          formatCount(messages),
          formatBytes(sent),
          formatBytes(messages === 0 ? 0 : sent / messages),
        ]),
      }),
    ),
  ],
});

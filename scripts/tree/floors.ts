/** The architecture: the folders of src/, lowest floor first. A folder imports its own files and folders on lower floors. */
const FOLDERS: readonly { readonly floor: number; readonly folder: string; readonly holds: string }[] = [
  { floor: 0, folder: 'base', holds: 'errors, units, keyed randomness, clock, median, spare memory' },
  { floor: 1, folder: 'tensor', holds: 'shared memory, kernels in two implementations, optimizers, the tfjs adapter' },
  { floor: 1, folder: 'data', holds: 'datasets as columns: catalogue, import, splits, synthetic ratings' },
  { floor: 1, folder: 'metrics', holds: 'metrics by name, as sums that merge' },
  { floor: 1, folder: 'privacy', holds: 'accountants of differential privacy; the arithmetic of secure sums' },
  { floor: 1, folder: 'definitions', holds: 'the common part of definitions, and how modules of users are loaded' },
  { floor: 2, folder: 'messages', holds: 'what crosses an actor boundary: frames, tensors on the wire' },
  { floor: 3, folder: 'algorithms', holds: 'the port of algorithms and its guards; a server half and a client half of each' },
  { floor: 3, folder: 'models', holds: 'central models: their port, one folder for each group, the baselines' },
  { floor: 3, folder: 'updates', holds: 'update steps: what happens to client updates on devices, and to their sum' },
  { floor: 3, folder: 'events', holds: 'the events of a run, as one stream' },
  { floor: 4, folder: 'device', holds: 'the device actor, its hardware and budgets, its faults' },
  { floor: 5, folder: 'coordinator', holds: 'round, sampling, aggregation, evaluation, checkpoint; the port to devices' },
  { floor: 6, folder: 'transport', holds: 'implements the port to devices over worker threads; supervision' },
  { floor: 7, folder: 'runs', holds: 'configuration, the run itself, its folder' },
  { floor: 8, folder: 'conformance', holds: 'tests of what users bring: definitions against the promises of their ports' },
  { floor: 8, folder: 'telemetry', holds: 'events → Prometheus, HTTP and the live page' },
  { floor: 8, folder: 'report', holds: 'results of a run for people: pages, tables, charts' },
  { floor: 8, folder: 'inference', holds: 'what a finished run predicts: recommendations, predictions, export' },
  { floor: 9, folder: 'serve', holds: 'recommendations over HTTP' },
  { floor: 9, folder: 'studies', holds: 'studies of runs: the paper, tuning, sweeps, load tests, attacks' },
  { floor: 10, folder: 'cli', holds: 'one file a command' },
];

export const FLOORS: ReadonlyMap<string, number> = new Map(FOLDERS.map(({ folder, floor }) => [folder, floor]));

/** The floors as the Markdown table of ARCHITECTURE.md, highest first. */
export const floorTable = (): string => {
  const rows = FOLDERS.toReversed().map(({ floor, folder, holds }) => [String(floor), `\`src/${folder}\``, holds]);
  const head = ['floor', 'folder', 'holds'];
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length), title.length));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
};

import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');

/** A folder outside of the project in which `metafleet`, and the named packages, are installed. */
export const moduleFolder = (...packages: readonly string[]): string => {
  const folder = mkdtempSync(join(tmpdir(), 'metafleet-module-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/metafleet'));
  for (const name of packages) symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  return folder;
};

/** Data and sizes with which a run of a module takes milliseconds an epoch. The schedule is not read by it. */
export const TINY = [
  ...['--data', 'synthetic:users=24,items=20,ratings=300', '--cohort', '8', '--threads', '2', '--patience', '0'],
  ...['--baselines', 'false', '--metrics.enabled', 'false'],
] as const;

/** Item biases: an algorithm that is as small as they come. `calls` counts what was asked of a thread. */
const GOOD = `
import { addMeans, distinctRows, serveSharedModel, z } from 'metafleet/algorithm';
const wire = { down: [{ name: 'biases', perRow: true, shape: [1] }], up: [{ name: 'biases', perRow: true, shape: [1] }] };
let calls = 0;
const client = () => ({
  plan: (_own, task) => {
    const items = task.purpose === 'train' ? task.batch.items : task.candidates;
    return { rows: items, work: items };
  },
  update: (_model, _own, items) => {
    const rows = distinctRows(items);
    return { count: items.length, loss: 1, rows, tensors: [new Float32Array(rows.length).fill(0.1)] };
  },
  score: (_model, _own, items) => new Float32Array(items.length).fill(3),
});
const server = (world, _options, runtime) => {
  const tensors = runtime.createTensors([{ name: 'biases', shape: [world.items, 1] }]);
  return serveSharedModel({ wire, world, tensors, step: (sum) => addMeans(wire, tensors, sum) });
};
const traits = { feedback: 'explicit', aggregation: 'sum', coldUsers: false, features: [], reads: [] };
const good = { name: 'mine', version: '1', options: z.strictObject({}), traits, wire: () => wire, client, server };
`;

/** A module whose definition has these changes, as the text of properties. */
export const moduleText = (changes: string): string => `${GOOD}export const algorithm = { ...good, ${changes} };\n`;

/** A module whose client half has these changes. `good` is the right one. */
export const clientText = (changes: string): string =>
  moduleText(`client: () => { const good = client(); return { ...good, ${changes} }; }`);

export const serverText = (changes: string): string =>
  moduleText(`server: (...given) => { const good = server(...given); return { ...good, ${changes} }; }`);

export const writeModule = (folder: string, name: string, text: string): void => writeFileSync(join(folder, name), text);

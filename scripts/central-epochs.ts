// CPU seconds of an epoch of a central model, on the calling thread: `node dist/scripts/central-epochs.js --data FOLDER autorec-i hidden=500`.
// It prints one JSON line, as the programs of scripts/bench/peers do. The first epoch warms up, and is not counted.

import { parseArgs } from 'node:util';
import { loadDataset } from '../src/data/load.js';
import { createEngine } from '../src/models/port/engine.js';
import { createEpochs } from '../src/models/port/epoch.js';
import { MODEL } from '../src/models/registry.js';

const { values: flags, positionals } = parseArgs({
  options: { data: { type: 'string', default: 'ml-1m' }, epochs: { type: 'string', default: '3' } },
  allowPositionals: true,
});
const [name = 'autorec-i', ...settings] = positionals;
const definition = MODEL.builtIns.find((model) => model.name === name);
if (definition === undefined) throw new Error(`no model named ${name}; known: ${MODEL.builtIns.map((model) => model.name).join(', ')}`);
const options = definition.options.parse(
  Object.fromEntries(settings.map((setting) => [setting.slice(0, setting.indexOf('=')), Number(setting.slice(setting.indexOf('=') + 1))])),
);

const dataset = await loadDataset(flags.data, { seed: 1, split: 'given' });
const { users, items, scale } = dataset;
const { train } = dataset.parts;
const mean = train.values.reduce((sum, value) => sum + value, 0) / train.values.length;
const epochs = Number(flags.epochs);
const engine = createEngine({ seed: 1, threads: 1, epochs: epochs + 1, items, train });
const model = await definition.create({ users, items, lowest: scale.lowest, highest: scale.highest, mean, train }, options, engine);
const source = createEpochs(1, train);
const seconds: number[] = [];
for (let number = 1; number <= epochs + 1; number++) {
  const before = process.cpuUsage();
  await model.epoch!(source(number));
  const { user, system } = process.cpuUsage(before);
  if (number > 1) seconds.push((user + system) / 1e6);
}
const average = seconds.reduce((sum, value) => sum + value, 0) / seconds.length;
const rounded = (value: number): number => Math.round(1000 * value) / 1000;
console.log(JSON.stringify({ model: name, options, cpu_seconds_per_epoch: rounded(average), best: rounded(Math.min(...seconds)) }));

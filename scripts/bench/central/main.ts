import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median } from '../../../src/base/median.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { loadDataset } from '../../../src/data/load.js';
import type { Model } from '../../../src/models/port/definition.js';
import { createEngine } from '../../../src/models/port/engine.js';
import { createEpochs } from '../../../src/models/port/epoch.js';
import { MODEL } from '../../../src/models/registry.js';

/**
 * CPU time of an epoch of our central models and of peers in Python, in turn, with the same sizes and one thread each:
 *
 *   node dist/scripts/bench/central/main.js --data <folder of a split> --python <python with cornac and scikit-surprise> [--turns 3] [--peers cornac-mf,numpy-ease]
 */
type Match = {
  readonly model: string;
  readonly peer: string;
  readonly factors: number;
  readonly epochs: number;
  readonly peerEpochs: number;
};

const MATCHES: readonly Match[] = [
  { model: 'biased-mf', peer: 'cornac-mf', factors: 64, epochs: 10, peerEpochs: 10 },
  { model: 'biased-mf', peer: 'surprise-svd', factors: 64, epochs: 10, peerEpochs: 2 },
  { model: 'svdpp', peer: 'surprise-svdpp', factors: 20, epochs: 5, peerEpochs: 1 },
  { model: 'nmf', peer: 'surprise-nmf', factors: 15, epochs: 10, peerEpochs: 3 },
  { model: 'ease', peer: 'numpy-ease', factors: 0, epochs: 1, peerEpochs: 1 },
];

const create = async (dataset: Dataset, name: string, factors: number): Promise<Model> => {
  const definition = MODEL.builtIns.find((known) => known.name === name)!;
  const { train } = dataset.parts;
  const { users, items, scale } = dataset;
  const mean = train.values.reduce((sum, value) => sum + value, 0) / train.values.length;
  const engine = createEngine({ seed: 1, threads: 1, epochs: 10, items, train });
  const options = definition.options.parse(factors === 0 ? {} : { factors });
  return definition.create({ users, items, lowest: scale.lowest, highest: scale.highest, mean, train }, options, engine);
};

/** CPU seconds of this process for each epoch. */
const ours = async (dataset: Dataset, { model: name, factors, epochs }: Match): Promise<number> => {
  const model = await create(dataset, name, factors);
  const source = createEpochs(1, dataset.parts.train);
  const start = process.cpuUsage();
  for (let number = 1; number <= epochs; number++) await (model.epoch === undefined ? model.fit!() : model.epoch(source(number)));
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6 / epochs;
};

const theirs = (python: string, data: string, { peer, factors, peerEpochs }: Match): number => {
  const script = join(import.meta.dirname, '../../../../scripts/bench/peers/central_peers.py');
  const flags = [script, peer, '--data', data, '--factors', String(factors), '--epochs', String(peerEpochs)];
  const lines = execFileSync(python, flags, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .trim()
    .split('\n');
  return (JSON.parse(lines.at(-1)!) as { cpuSecondsPerEpoch: number }).cpuSecondsPerEpoch;
};

const { values } = parseArgs({
  options: { data: { type: 'string' }, python: { type: 'string' }, turns: { type: 'string', default: '3' }, peers: { type: 'string' } },
});
const { data, python = 'python3', turns, peers } = values;
const asked = MATCHES.filter(({ peer }) => peers === undefined || peers.split(',').includes(peer));
if (data === undefined) throw new Error('--data: expected the folder of a split');
const dataset = await loadDataset(data, { split: 'given', seed: 1 });
for (const match of asked) {
  const [own, other]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < Number(turns); turn++) {
    own.push(await ours(dataset, match));
    other.push(theirs(python, data, match));
  }
  const [a, b] = [median(own), median(other)];
  const ratios = own.map((value, turn) => other[turn]! / value);
  process.stdout.write(
    `${match.model} (k ${match.factors}) ${a.toFixed(3)} s, ${match.peer} ${b.toFixed(3)} s of CPU an epoch: the peer takes ${median(ratios).toFixed(2)} times as long (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')})\n`,
  );
}

import { describe, expect, it } from 'vitest';
import type { FedAvgOptions } from '../../../src/algorithms/fedavg/options.js';
import { modelTensors, sharedTensors, splitTensors } from '../../../src/algorithms/fedavg/options.js';
import type { LocalModel } from '../../../src/algorithms/port/client.js';
import { random } from '../../../src/base/random.js';
import { learn, scoresOf } from '../../support/algorithms/client-half.js';
import { fedavg, OPTIONS } from '../../support/fedavg/model.js';
import {
  type Client,
  centreOf,
  keptBy,
  nextControl,
  part,
  randomClient,
  sentTo,
  type Tensors,
  trained,
} from '../../support/fedavg/numeric-client.js';
import { expectClose } from '../../support/tensors/closeness.js';

/** Of a tensor's largest number: what float32 and central differences lose over some steps. */
const TOLERANCE = 3e-6;

const DOT: Partial<FedAvgOptions> = { model: 'dot', itemEmbedding: 5, localRate: 0.02 };
const MLP: Partial<FedAvgOptions> = { model: 'mlp', itemEmbedding: 5, units: 3, localRate: 0.01 };
const REGIMES = [
  { localEpochs: 1, localBatch: 100 },
  { localEpochs: 1, localBatch: 1 },
  { localEpochs: 3, localBatch: 3 },
];
const SETTINGS: Record<string, Partial<FedAvgOptions>> = {
  plainly: {},
  'with rates of their own for rows and the private part': { itemRate: 0.03, userRate: 0.005 },
  'with decay': { itemDecay: 0.3, userDecay: 0.2, itemRate: 0.02 },
  'around the mean of its own ratings': { centring: 'device-mean', centringDamping: 4 },
  'drawn back to what the server sent (FedProx)': { proximal: 0.7, itemRate: 0.02 },
  'corrected by control variates (SCAFFOLD)': { controlVariates: true, itemRate: 0.02 },
  'with all of it': { itemDecay: 0.1, userDecay: 0.1, proximal: 0.5, controlVariates: true, itemRate: 0.015, userRate: 0.02 },
};

const updateOf = (options: FedAvgOptions, client: Client) =>
  learn(fedavg(options), sentTo(options, client), { train: client.ratings }, client.ratings, random(9, 'update'), keptBy(options, client));

/** The model as it is sent to measure with. */
const measured = (sent: LocalModel, options: FedAvgOptions): LocalModel => ({
  ...sent,
  tensors: splitTensors(options, sent.tensors).model,
});

const sorted = ({ ratings }: Client): number[] => [...ratings.items].sort((a, b) => a - b);

const expectUpdate = (options: FedAvgOptions, client: Client, after: Tensors): void => {
  const { rows, tensors, state, count } = updateOf(options, client);
  const items = sorted(client);
  expect([count, ...rows]).toEqual([client.ratings.items.length, ...items]);
  const control = (name: string) => nextControl(options, name, client, after);
  sharedTensors(options).forEach(({ name }, index) => {
    const of = name.replace('control.', '');
    const start = part(options, of, name === of ? client.start[of]! : client.own[of]!, items);
    const expected = name === of ? part(options, of, after[of]!, items) : control(of);
    const found = Array.from(tensors[index]!, (difference, at) => start[at]! + difference);
    expectClose(found, expected, name === of ? TOLERANCE : 1e-4, name);
  });
  const { own } = after;
  expectClose(state!.subarray(0, own!.length), own!, TOLERANCE, 'private part');
  const kept = options.controlVariates ? modelTensors(options).flatMap(({ name }) => control(name)) : [];
  expect(state).toHaveLength(own!.length + kept.length);
  if (kept.length > 0) expectClose(state!.subarray(own!.length), kept, 1e-4, 'control variates');
};

describe.each([
  ['dot', DOT],
  ['mlp', MLP],
] as const)('a client of the FedAvg family with the model %s', (_, model) => {
  it.each(Object.entries(SETTINGS))('trains as central differences of its objective have it, %s', (_name, settings) => {
    for (const regime of REGIMES) {
      const options = { ...OPTIONS, ...model, ...settings, ...regime };
      const client = randomClient(options, 8, 3);
      const after = trained(options, client, random(9, 'update'));
      expect(after).not.toEqual(client.start);
      expectUpdate(options, client, after);
    }
  });

  it('learns alike from all rows and from a subset of them, control variates and all', () => {
    const options = { ...OPTIONS, ...model, controlVariates: true, localBatch: 3, proximal: 0.1 };
    const client = randomClient(options, 6, 4);
    const rows = Uint32Array.from(new Set([...client.ratings.items, 0, 7, 18])).sort();
    const whole = sentTo(options, client);
    const some = sharedTensors(options).map(({ name }, index) =>
      Float32Array.from(part(options, name.replace('control.', ''), [...whole.tensors[index]!], [...rows])),
    );
    const by = (sent: typeof whole) =>
      learn(fedavg(options), sent, { train: client.ratings }, client.ratings, random(1), keptBy(options, client));
    expect(by({ rows, tensors: some })).toEqual(by(whole));
  });

  it('keeps of its control variates those of its own items, and changes those of its batch', () => {
    const options = { ...OPTIONS, ...model, controlVariates: true, localBatch: 3 };
    const client = randomClient(options, 6, 4);
    const before = keptBy(options, client);
    const { size, initial } = fedavg(options).client().state!;
    expect(before).toHaveLength((size as (records: number) => number)(6));
    expect(initial(random(1), before.length)).toHaveLength(before.length);
    const [items, values] = [client.ratings.items.slice(0, 2), client.ratings.values.slice(0, 2)];
    const { state } = learn(fedavg(options), sentTo(options, client), { train: client.ratings }, { items, values }, random(1), before);
    const own = options.model === 'dot' ? options.itemEmbedding + 1 : options.itemEmbedding;
    sorted(client).forEach((item, index) => {
      const [from, end] = [own + index * options.itemEmbedding, own + (index + 1) * options.itemEmbedding];
      const same = state!.subarray(from, end).every((value, i) => value === before[from + i]);
      expect(same, String(item)).toBe(!items.includes(item));
    });
  });

  it('changes neither its model, its ratings nor its state', () => {
    const options = { ...OPTIONS, ...model, controlVariates: true, proximal: 1, localBatch: 2 };
    const client = randomClient(options, 6, 4);
    const [sent, kept] = [sentTo(options, client), keptBy(options, client)];
    const before = structuredClone([sent, kept, client.ratings]);
    learn(fedavg(options), sent, { train: client.ratings }, client.ratings, random(1), kept);
    scoresOf(fedavg(options), measured(sent, options), { train: client.ratings }, client.ratings.items, kept);
    expect([sent, kept, client.ratings]).toEqual(before);
  });
});

it('a device predicts ŷ = c_u + b_u + B[i] + E[i]·p_u of items it has rated and others', () => {
  const options: FedAvgOptions = { ...OPTIONS, ...DOT, centring: 'device-mean', centringDamping: 3 };
  const client = randomClient(options, 6, 4);
  const { items, offsets, own } = client.start as { items: number[]; offsets: number[]; own: number[] };
  const asked = Uint32Array.of(18, 0, 3, 3, 7);
  const expected = Array.from(asked, (item) => {
    const product = [0, 1, 2, 3, 4].reduce((sum, e) => sum + items[item * 5 + e]! * own[e + 1]!, 0);
    return centreOf(options, client.ratings) + own[0]! + offsets[item]! + product;
  });
  const scores = scoresOf(fedavg(options), sentTo(options, client), { train: client.ratings }, asked, keptBy(options, client));
  expectClose(scores, expected, 1e-6);
});

it('a device that is drawn back strongly ends nearer to what the server sent', () => {
  const distance = (proximal: number): number => {
    const options: FedAvgOptions = { ...OPTIONS, ...DOT, localEpochs: 20, localBatch: 2, proximal };
    return Math.hypot(...updateOf(options, randomClient(options, 8, 5)).tensors.flatMap((values) => [...values]));
  };
  expect(distance(5)).toBeLessThan(distance(1));
  expect(distance(1)).toBeLessThan(distance(0));
});

import { type Random, shuffle } from '../../base/random.js';
import type { TensorSpec } from '../../messages/wire-tensor.js';
import type { ClientHalf, Interactions, LocalModel, LocalUpdate, OwnData, PrivateStateSpec } from '../port/client.js';
import type { World } from '../port/definition.js';
import { distinctRows, rowOf } from '../port/rows.js';
import { createCentre } from './centre.js';
import { type ControlState, controlChange, controlSizes, driftOf, nextControl } from './control-variates.js';
import { type Corrections, createCorrections } from './corrections.js';
import { createDotTrainer } from './dot.js';
import { createMlpTrainer } from './mlp.js';
import { type FedAvgOptions, localRatesOf, modelTensors, sharedTensors, splitTensors } from './options.js';
import type { Trainer } from './trainer.js';

/** The ratings of a batch, or the items to predict ratings of. */
export type Work = Interactions;

const NOTHING = new Float32Array(0);

const createTrainer = (options: FedAvgOptions): Trainer => {
  const { model, itemEmbedding: d, units: f } = options;
  const [rates, decays] = [localRatesOf(options), { items: options.itemDecay, own: options.userDecay }];
  return model === 'dot' ? createDotTrainer(d, rates, decays) : createMlpTrainer({ d, f }, rates, decays);
};

/** Numbers of the private part: p_u, and b_u in the dot model. */
const ownSize = ({ model, itemEmbedding: d }: FedAvgOptions): number => (model === 'dot' ? d + 1 : d);

/**
 * Local epochs over the trainer's list, which `arrange` puts into the order of each epoch. Returns the first one's Σ (ŷ − r)², each rating's
 * before the step that it is part of.
 */
const descend = (
  { localEpochs, localBatch }: FedAvgOptions,
  trainer: Trainer,
  count: number,
  arrange: () => void,
  corrections: Corrections | null,
): number => {
  const { rows } = trainer.list();
  let loss = 0;
  for (let epoch = 0; epoch < localEpochs; epoch++) {
    arrange();
    let squared = 0;
    if (corrections === null) squared = trainer.descend(0, count, localBatch);
    else {
      for (let at = 0; at < count; at += localBatch) {
        const end = Math.min(count, at + localBatch);
        corrections.begin(rows, at, end);
        squared += trainer.descend(at, end, localBatch);
        corrections.correct(rows, at, end);
      }
    }
    if (epoch === 0) loss = squared;
  }
  corrections?.finish();
  return loss;
};

/** The tensors of the update in the order in which they travel. */
const inOrder = (options: FedAvgOptions, model: readonly Float32Array[], control: readonly Float32Array[]): Float32Array[] => {
  const specs = sharedTensors(options);
  const places = splitTensors(
    options,
    specs.map((_, index) => index),
  );
  const out: Float32Array[] = [];
  const put = (at: readonly number[], tensors: readonly Float32Array[]): void => {
    at.forEach((place, index) => {
      out[place] = tensors[index]!;
    });
  };
  put(places.model, model);
  put(places.control, control);
  return out;
};

const joined = (some: Float32Array, others: Float32Array): Float32Array => {
  const all = new Float32Array(some.length + others.length);
  all.set(some);
  all.set(others, some.length);
  return all;
};

/** What a client half computes with: one trainer, for one device after another. */
type Client = {
  readonly options: FedAvgOptions;
  readonly specs: readonly TensorSpec[];
  readonly trainer: () => Trainer;
  readonly centreOf: ReturnType<typeof createCentre>;
};

/** Puts the trainer's list into a fresh order: each rating's row, and its value less the device's centre. */
const arranger = (trainer: Trainer, rows: Uint32Array, { items, values }: Interactions, centre: number, source: Random) => {
  const list = trainer.list();
  const [order, positions] = [new Uint32Array(items.length), new Uint32Array(items.length)];
  for (let index = 0; index < items.length; index++) {
    order[index] = index;
    positions[index] = rowOf(rows, items[index]!);
  }
  return (): void => {
    const { rows: listed, values: wanted } = list;
    shuffle(order, source);
    for (let at = 0; at < order.length; at++) {
      const index = order[at]!;
      listed[at] = positions[index]!;
      wanted[at] = values[index]! - centre;
    }
  };
};

const update = (client: Client, sent: LocalModel, { train }: OwnData, batch: Work, source: Random, state: Float32Array): LocalUpdate => {
  const { options, specs } = client;
  const { localEpochs, localBatch, proximal, controlVariates } = options;
  const trainer = client.trainer();
  const count = batch.items.length;
  const rows = distinctRows(batch.items);
  const tensors = splitTensors(options, sent.tensors);
  const model = { rows: sent.rows, tensors: tensors.model };
  trainer.load(model, rows, state, count);
  const owned = controlVariates ? distinctRows(train.items) : rows;
  const control: ControlState = { specs, owned, values: state.subarray(ownSize(options)) };
  const drift = controlVariates ? driftOf(control, { rows: sent.rows, tensors: tensors.control }, rows) : null;
  const arranged = drift === null ? null : trainer.arrange(drift.drift);
  const corrections = proximal === 0 && drift === null ? null : createCorrections(trainer.pieces(), rows.length, proximal, arranged);
  const loss = descend(options, trainer, count, arranger(trainer, rows, batch, client.centreOf(train), source), corrections);
  const { tensors: differences, own } = trainer.read(model, rows);
  if (drift === null) return { count, loss, rows, tensors: differences, state: own };
  const steps = localEpochs * Math.ceil(count / localBatch);
  const rates = localRatesOf(options);
  const spans = specs.map(({ perRow }) => steps * (perRow ? rates.items : rates.dense));
  const change = controlChange(drift.sent, differences, spans);
  return { count, loss, rows, tensors: inOrder(options, differences, change), state: joined(own, nextControl(control, rows, change)) };
};

const predict = (client: Client, model: LocalModel, { train }: OwnData, items: Uint32Array, state: Float32Array): Float32Array => {
  const trainer = client.trainer();
  const rows = distinctRows(items);
  trainer.load(model, rows, state, items.length);
  const list = trainer.list();
  for (let at = 0; at < items.length; at++) list.rows[at] = rowOf(rows, items[at]!);
  const out = trainer.predict(items.length);
  const centre = client.centreOf(train);
  if (centre !== 0) for (let at = 0; at < out.length; at++) out[at]! += centre;
  return out;
};

/**
 * A rating's forward pass is d·f + d + f multiplications and additions (mlp) or d (dot), its backward pass twice that. Then comes each step's
 * descent, and what FedProx and SCAFFOLD correct of all the device's weights.
 */
const operationsOf = (options: FedAvgOptions, count: number): number => {
  const { model, itemEmbedding: d, units: f, localEpochs, localBatch, proximal, controlVariates } = options;
  const steps = Math.ceil(count / localBatch);
  const [forward, descent, dense] = model === 'mlp' ? [d * f + d + f, d * f + 2 * d + 2 * f, d * f + 2 * f + 1] : [d, d, 0];
  const corrected = ((proximal === 0 ? 0 : 2) + (controlVariates ? 1 : 0)) * 2;
  return 2 * localEpochs * (count * (3 * forward + corrected * d) + steps * (descent + corrected * dense));
};

/**
 * The private part, and behind it c_i where there are control variates: its dense tensors and a row for each training record. A device with
 * several records of an item leaves some of that room unused.
 */
const stateOf = (options: FedAvgOptions, specs: readonly TensorSpec[]): PrivateStateSpec => {
  const { model, itemEmbedding: d, controlVariates } = options;
  const { perItem, fixed } = controlSizes(specs);
  const own = ownSize(options);
  return {
    size: controlVariates ? (records) => own + fixed + perItem * records : own,
    initial: (source, size) => {
      const state = new Float32Array(size);
      if (model === 'mlp') for (let e = 0; e < d; e++) state[e] = 1 + 0.1 * source.normal();
      else for (let e = 1; e <= d; e++) state[e] = 0.1 * source.normal();
      return state;
    },
  };
};

/**
 * The client half: local epochs of minibatch SGD over the shared tensors and the private part (McMahan et al., 2017, algorithm 1, ClientUpdate).
 * FedProx and SCAFFOLD correct the steps. The update is the difference of the shared tensors.
 */
export const createClientHalf = (world: World, options: FedAvgOptions): ClientHalf<Work> => {
  const specs = modelTensors(options);
  let made: Trainer | undefined;
  // Not before it is needed: the coordinator makes client halves, too.
  const client: Client = { options, specs, trainer: () => (made ??= createTrainer(options)), centreOf: createCentre(world, options) };
  return {
    state: stateOf(options, specs),
    plan: (_own, task) => {
      if (task.purpose === 'train') return { rows: task.batch.items, work: task.batch };
      return { rows: task.candidates, work: { items: task.candidates, values: NOTHING } };
    },
    update: (model, own, batch, source, state) => update(client, model, own, batch, source, state),
    operations: ({ items }) => operationsOf(options, items.length),
    score: (model, own, { items }, state) => predict(client, model, own, items, state),
  };
};

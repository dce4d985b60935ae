import type { Algorithm } from '../../../src/algorithms/port/algorithm.js';
import type { Interactions, LocalModel, LocalUpdate, OwnData } from '../../../src/algorithms/port/client.js';
import { type Random, random } from '../../../src/base/random.js';

const SOURCE: Random = random(0, 'plan');

/** What a client half makes of a batch in round 1: its plan, then its update. */
export const learn = (
  algorithm: Pick<Algorithm, 'client'>,
  model: LocalModel,
  own: OwnData,
  batch: Interactions,
  source: Random,
  state: Float32Array,
): LocalUpdate => {
  const client = algorithm.client();
  const { work } = client.plan(own, { purpose: 'train', round: 1, batch }, SOURCE, state);
  return client.update(model, own, work, source, state);
};

/** A client half's scores of items: its plan, then its scores. */
export const scoresOf = (
  algorithm: Pick<Algorithm, 'client'>,
  model: LocalModel,
  own: OwnData,
  candidates: Uint32Array,
  state: Float32Array,
): Float32Array => {
  const client = algorithm.client();
  const { work } = client.plan(own, { purpose: 'evaluate', round: 1, candidates }, SOURCE, state);
  return client.score(model, own, work, state);
};

/** Operations that an update by `count` records takes. */
export const operationsOf = (algorithm: Pick<Algorithm, 'client'>, count: number, state: Float32Array): number => {
  const client = algorithm.client();
  const batch = { items: new Uint32Array(count), values: new Float32Array(count) };
  const { work } = client.plan({ train: batch }, { purpose: 'train', round: 1, batch }, SOURCE, state);
  return client.operations!(work);
};

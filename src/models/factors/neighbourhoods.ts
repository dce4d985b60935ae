import type { Facts } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import type { Epoch } from '../port/epoch.js';
import type { ModelTensor } from '../port/tensors.js';
import { createFactorModel } from './factor-model.js';

/** Weights of all users and items in each local model: (models, users) and (models, items). */
export type Neighbourhoods = { readonly userWeights: ModelTensor; readonly itemWeights: ModelTensor };

export type NeighbourhoodSettings = {
  readonly models: number;
  /** Of the factorization that measures distances. */
  readonly globalFactors: number;
  readonly globalEpochs: number;
  /** Distance from which on a row has no weight; orthogonal rows have distance 1. */
  readonly width: number;
};

/** Of the global factorization. Its distances hardly depend on them. */
const GLOBAL = { rate: 0.01, rateDecay: 0.97, decay: 0.05, biasDecay: null, implicitDecay: null, deviation: 0.1 };

/** The Epanechnikov kernel of the angle between two rows: 1 − s² for s = arccos(cosine)·2/π below `width`, else 0. */
export const kernelWeight = (one: Float32Array, other: Float32Array, width: number): number => {
  let [dot, squares, others] = [0, 0, 0];
  for (let e = 0; e < one.length; e++) {
    dot += one[e]! * other[e]!;
    squares += one[e]! ** 2;
    others += other[e]! ** 2;
  }
  const cosine = squares === 0 || others === 0 ? 0 : Math.min(1, Math.max(-1, dot / Math.sqrt(squares * others)));
  const distance = (2 / Math.PI) * Math.acos(cosine);
  return distance < width ? Math.max(0, 1 - distance ** 2) : 0;
};

/** The user of a training rating. */
const userOf = (offsets: Uint32Array, row: number): number => {
  let [low, high] = [0, offsets.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (offsets[middle]! <= row) low = middle;
    else high = middle;
  }
  return low;
};

/**
 * Fills the weights around anchors, which are training ratings drawn at random. Distances are angles between rows of a factorization
 * r̂ = p·q of all ratings, which is trained here and not kept.
 */
export const chooseNeighbourhoods = (
  facts: Facts,
  { userWeights, itemWeights }: Neighbourhoods,
  settings: NeighbourhoodSettings,
  engine: Engine,
  epoch: Epoch,
): void => {
  const { users, items, train } = facts;
  const own: Engine = { ...engine, tensor: (spec) => engine.tensor({ ...spec, name: `global.${spec.name}` }) };
  const model = createFactorModel({ ...facts, mean: 0 }, { ...GLOBAL, factors: settings.globalFactors }, own);
  for (let number = 1; number <= settings.globalEpochs; number++)
    model.epoch!({ ...epoch, number, users: () => epoch.order(`global ${number}`, users) });
  const anchors = engine.random('anchors');
  const fill = (into: Float32Array, first: number, { values }: ModelTensor, rows: number, anchor: number): void => {
    const size = values.length / rows;
    const rowOf = (row: number): Float32Array => values.subarray(row * size, (row + 1) * size);
    for (let row = 0; row < rows; row++) into[first + row] = kernelWeight(rowOf(anchor), rowOf(row), settings.width);
  };
  for (let t = 0; t < settings.models && train.items.length > 0; t++) {
    const rating = anchors.integer(train.items.length);
    fill(userWeights.values, t * users, model.tensors[0]!, users, userOf(train.offsets, rating));
    fill(itemWeights.values, t * items, model.tensors[1]!, items, train.items[rating]!);
  }
};

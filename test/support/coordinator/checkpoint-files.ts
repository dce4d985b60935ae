import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect } from 'vitest';
import { parameterTensor } from '../../../src/algorithms/port/parameter-tensors.js';
import type { NamedTensor } from '../../../src/algorithms/port/server.js';
import { isMetafleetError } from '../../../src/base/errors.js';
import { random } from '../../../src/base/random.js';
import { type CheckpointContent, readCheckpoint } from '../../../src/coordinator/checkpoint/checkpoint.js';
import { digestOf as digestOfTensors } from '../../../src/coordinator/checkpoint/digest.js';
import { createArena } from '../../../src/tensor/memory/arena.js';
import {
  createParameter,
  elementsOf,
  type MomentKind,
  type Parameter,
  stateOf as stretchesOf,
} from '../../../src/tensor/memory/parameter.js';

export type Shape = {
  readonly name: string;
  readonly blocks: number;
  readonly size: number;
  readonly moment?: MomentKind;
  readonly counted?: boolean;
};
export const SHAPES: readonly Shape[] = [
  { name: 'U', blocks: 5, size: 3 },
  { name: 'M', blocks: 1, size: 7 },
  { name: 'low.weights', blocks: 4, size: 8, moment: 'tensor' },
  { name: 'low.weights', blocks: 3, size: 8, moment: 'tensor' },
  { name: 'low.bias', blocks: 3, size: 4, moment: 'row', counted: true },
  { name: 'sums', blocks: 1, size: 3, moment: 'squares' },
];

/** Parameters of these shapes in one memory, with weights and moments drawn from a seed (or zero). */
export const parametersOf = (seed?: number, shapes = SHAPES): Parameter[] => {
  const arena = createArena(1 << 20);
  const made = shapes.map(({ name, blocks, size, moment = 'element', counted = false }) =>
    createParameter(name, { memory: 0, arena }, { blocks, size, sparse: blocks > 1, counted }, moment),
  );
  if (seed !== undefined) fillWith(made, seed);
  return made;
};
export const stateOf = (parameters: readonly Parameter[]): Float32Array[] =>
  parameters.flatMap((parameter) =>
    [{ pointer: parameter.weights, count: elementsOf(parameter) }, ...stretchesOf(parameter)].map(({ pointer, count }) =>
      parameter.arena.f32(pointer, count),
    ),
  );
const fillWith = (parameters: readonly Parameter[], seed: number): void => {
  const source = random(seed);
  for (const values of stateOf(parameters)) values.forEach((_, i) => (values[i] = source.normal()));
};
export const bitsOf = (parameters: readonly Parameter[]): number[][] =>
  stateOf(parameters).map((values) => [...new Uint32Array(values.slice().buffer)]);

/** As a server half gives them to the checkpoint. */
export const tensorsOf = (parameters: readonly Parameter[]): NamedTensor[] => parameters.map((parameter) => parameterTensor(parameter));
export const digestOf = (parameters: readonly Parameter[]): string => digestOfTensors(tensorsOf(parameters));

export const contentOf = (parameters: readonly Parameter[], changes: Partial<CheckpointContent> = {}): CheckpointContent => ({
  algorithm: 'metamf',
  round: 9,
  optimizer: { steps: 7, variance: { low: 0.1 } },
  run: { round: 9, text: 'ü', third: 1 / 3, nothing: null },
  weightsOnly: false,
  tensors: tensorsOf(parameters),
  ...changes,
});

/** A place for the checkpoints of a test file: each test finds its folder empty. */
export const useCheckpointFile = () => {
  const folder = mkdtempSync(join(tmpdir(), 'metafleet-checkpoint-'));
  const path = join(folder, 'last.checkpoint');
  beforeEach(() => {
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The one line of CHECKPOINT, naming the path, that this ends with. */
  const failure = (work: () => unknown, named = path): string => {
    try {
      work();
    } catch (error) {
      if (!isMetafleetError(error, 'CHECKPOINT')) throw error;
      expect(error.message.startsWith(named), error.message).toBe(true);
      expect(error.message).not.toContain('\n');
      return error.message.slice(named.length);
    }
    return 'nothing was thrown';
  };
  const read = (parameters = parametersOf(), algorithm = 'metamf') => readCheckpoint(path, algorithm, tensorsOf(parameters));
  return { folder, path, failure, read };
};

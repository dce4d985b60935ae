/** What a module with an algorithm of one's own imports (docs/own-algorithm.md): light, since every thread of devices loads it. */
export { z } from 'zod';
export type {
  ClientHalf,
  Interactions,
  LocalModel,
  LocalUpdate,
  OwnData,
  OwnFeature,
  Plan,
  PrivateStateSpec,
  Rows,
  Task,
} from './algorithms/port/client.js';
export {
  type AlgorithmCost,
  type AlgorithmDefinition,
  type DownSpec,
  defineAlgorithm,
  type FeatureForm,
  type Traits,
  trainingDevices,
  type Wire,
  type World,
} from './algorithms/port/definition.js';
export { distinctRows, rowOf } from './algorithms/port/rows.js';
export type {
  ClientUpdate,
  GeneratedModel,
  ModelRequest,
  NamedTensor,
  NewTensor,
  ServerHalf,
  ServerRuntime,
  StepResult,
  Tensors,
  UpdateSum,
} from './algorithms/port/server.js';
export { addMeans, type SharedModel, serveSharedModel } from './algorithms/port/shared-model.js';
export type { Random } from './base/random.js';
export type {
  Aggregator,
  AggregatorContext,
  AggregatorDefinition,
  Combined,
} from './coordinator/aggregation/aggregator.js';
export type { Sampler, SamplerContext, SamplerDefinition, SamplerTraits, Selection } from './coordinator/sampling/sampler.js';
export type { Feature } from './data/features/feature.js';
export type { TensorSpec } from './messages/wire-tensor.js';
export {
  defineModel,
  type Facts,
  type Model,
  type ModelDefaults,
  type ModelDefinition,
  type ModelTraits,
} from './models/port/definition.js';
export type { Engine } from './models/port/engine.js';
export type { Batch, Epoch } from './models/port/epoch.js';
export type { ModelTensor, NewModelTensor } from './models/port/tensors.js';
export type { DeviceStep, SentUpdate, UpdateStepDefinition, UpdateStepTraits, UpdateWire } from './updates/update-step.js';

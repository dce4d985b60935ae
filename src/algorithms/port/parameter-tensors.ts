import { bytesOf } from '../../base/views.js';
import { elementsOf, type Parameter, stateOf } from '../../tensor/memory/parameter.js';
import type { NamedTensor } from './server.js';

/** A parameter in kernel memory as a tensor of the port. The tensor holds views, no copies. `shape`: default, one axis. */
export const parameterTensor = (parameter: Parameter, shape: readonly number[] = [elementsOf(parameter)]): NamedTensor => {
  const view = (pointer: number, count: number): Uint8Array => bytesOf(parameter.arena.f32(pointer, count));
  return {
    name: parameter.name,
    shape,
    bytes: () => view(parameter.weights, elementsOf(parameter)),
    state: stateOf(parameter).map(({ name, pointer, count }) => ({ name, bytes: () => view(pointer, count) })),
  };
};

import { createHash } from 'node:crypto';
import { bytesOf } from '../../base/views.js';
import { elementsOf, type Parameter } from '../../tensor/memory/parameter.js';

/** A pointer's float32 values as bytes, without a copy. */
export const bytesAt = ({ arena }: Parameter, pointer: number, count: number): Uint8Array => bytesOf(arena.f32(pointer, count));

/** SHA-256 of Θ, hex: every parameter's name and bits, in order. Two runs that agree here agree in every prediction. */
export const digestOf = (parameters: readonly Parameter[]): string => {
  const hash = createHash('sha256');
  for (const parameter of parameters) hash.update(parameter.name).update(bytesAt(parameter, parameter.weights, elementsOf(parameter)));
  return hash.digest('hex');
};

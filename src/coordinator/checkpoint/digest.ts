import { createHash } from 'node:crypto';
import type { NamedTensor } from '../../algorithms/port/server.js';

/** SHA-256 of Θ, hex: every tensor's name and bits, in order. Two runs that agree here agree in every prediction. */
export const digestOf = (tensors: readonly NamedTensor[]): string => {
  const hash = createHash('sha256');
  for (const { name, bytes } of tensors) hash.update(name).update(bytes());
  return hash.digest('hex');
};

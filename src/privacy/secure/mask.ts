import { createCipheriv, type KeyObject } from 'node:crypto';
import { agree, derive } from './keys.js';

/** Zeros to be encrypted: 64 KiB stay in the processor's cache. */
const ZEROS = Buffer.alloc(1 << 16);
const COUNTER = new Uint8Array(16);

/** vector ± the numbers that a seed stands for, mod 2³²: the key stream of AES-256 in counter mode. */
export const addMask = (vector: Uint32Array, seed: Uint8Array, sign: 1 | -1): void => {
  const cipher = createCipheriv('aes-256-ctr', seed, COUNTER);
  const most = ZEROS.length / 4;
  for (let start = 0; start < vector.length; start += most) {
    const count = Math.min(most, vector.length - start);
    const bytes = cipher.update(ZEROS.subarray(0, 4 * count));
    const stream =
      bytes.byteOffset % 4 === 0 ? new Uint32Array(bytes.buffer, bytes.byteOffset, count) : new Uint32Array(Uint8Array.from(bytes).buffer);
    if (sign > 0) for (let at = 0; at < count; at++) vector[start + at]! += stream[at]!;
    else for (let at = 0; at < count; at++) vector[start + at]! -= stream[at]!;
  }
};

/** sum += vector, mod 2³². */
export const addTo = (sum: Uint32Array, vector: Uint32Array): void => {
  for (let at = 0; at < sum.length; at++) sum[at]! += vector[at]!;
};

/** The seed of the mask that two neighbours share in a round: of one's secret key and the other's public one, either way. */
export const maskSeed = (secret: KeyObject, other: Uint8Array, round: number): Uint8Array =>
  derive(agree(secret, other), `metafleet mask ${round}`);

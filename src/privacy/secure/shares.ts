import { combine, split } from 'shamir-secret-sharing';
import { KEY_BYTES, TAG_BYTES } from './keys.js';

/** A share is a point of Shamir's polynomials over GF(2⁸), one for each byte of the secret, and their common place. */
export const SHARE_BYTES = KEY_BYTES + 1;
/** Sealed: a share of the seed and one of the key. */
export const SEALED_BYTES = 2 * SHARE_BYTES + TAG_BYTES;

export const splitSecret = (secret: Uint8Array, shares: number, threshold: number): Promise<readonly Uint8Array[]> =>
  split(Uint8Array.from(secret), shares, threshold);

/** Needs `threshold` shares at least; others give another secret. */
export const combineShares = (shares: readonly Uint8Array[], threshold: number): Promise<Uint8Array> =>
  combine(shares.slice(0, threshold).map((share) => Uint8Array.from(share)));

import { expect, it } from 'vitest';
import { playSecureRound, SETTINGS, type Stage } from '../../support/secure/secure-fleet.js';

const STAGES: readonly Stage[] = ['keys', 'shares', 'masked', 'reveal'];

/** A threshold below one half: 16 neighbours are then enough where 30 % of the devices are gone. */
it.each([['keys', 0] as const, ['masked', 0.1] as const, ...STAGES.map((stage) => [stage, 0.3] as const)])(
  'a sum of 1,000 devices is exact where devices fall silent at %s: a share of %d',
  async (stage, share) => {
    const { unmasked, expected } = await playSecureRound(1000, stage, share, { ...SETTINGS, neighbours: 16, threshold: 0.25 });
    expect(unmasked).toEqual({ sum: expected });
  },
);

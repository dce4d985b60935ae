import { describe, expect, it } from 'vitest';
import { fromVector, toVector } from '../../../src/privacy/secure/layout.js';
import { LAYOUT, playSecureRound, SETTINGS, type Stage, summandOf, vectorOf } from '../../support/secure/secure-fleet.js';

const STAGES: readonly Stage[] = ['keys', 'shares', 'masked', 'reveal'];

describe('a secure sum', () => {
  it.each(STAGES.flatMap((stage) => [0.1, 0.3].map((share) => [stage, share] as const)))(
    'is the plain sum of whole numbers, bit for bit, where devices fall silent at %s: a share of %d',
    async (stage, share) => {
      const { unmasked, expected, inSum } = await playSecureRound(24, stage, share, { ...SETTINGS, neighbours: 10, threshold: 0.3 });
      expect(unmasked).toEqual({ sum: expected });
      expect(inSum).toHaveLength(stage === 'reveal' ? 24 : 24 - Math.round(24 * share));
    },
  );

  it('is that of the updates, to the precision of its steps', async () => {
    const { unmasked, inSum } = await playSecureRound(20, 'keys', 0);
    const total = fromVector(LAYOUT, (unmasked as { sum: Uint32Array }).sum, 20);
    const sum = (of: (device: number) => number): number => inSum.reduce((all, device) => all + of(device), 0);
    expect(total.weight).toBe(sum((device) => summandOf(device).weight));
    expect(total.count).toBe(sum((device) => summandOf(device).count));
    expect(total.marks).toEqual([sum((device) => summandOf(device).marks[0]!)]);
    expect(total.tensors[1]![0]).toBeCloseTo(
      sum((device) => Math.max(-8, Math.min(8, summandOf(device).weight * summandOf(device).tensors[1]![0]!))),
      5,
    );
  });

  it('is none where too few devices are left to bring secrets back, and says so', async () => {
    const { unmasked } = await playSecureRound(20, 'reveal', 0.6);
    expect(unmasked).toEqual({ missing: expect.stringMatching(/^expected \d+ shares of a secret of device \d+, found \d+$/) });
    const { unmasked: early, inSum } = await playSecureRound(20, 'masked', 0.6);
    expect(inSum.length).toBeLessThan(9);
    expect(early).toHaveProperty('missing');
  });

  it('never crosses as an update without masks, nor do secrets in the clear', async () => {
    const { crossed, inSum } = await playSecureRound(16, 'masked', 0.1);
    const bytes = crossed.flatMap((message) => ('data' in message ? [Buffer.from(message.data)] : []));
    for (const device of inSum) {
      const plain = Buffer.from(toVector(LAYOUT, summandOf(device), 16).buffer);
      expect(bytes.some((data) => data.includes(plain))).toBe(false);
      // Neither does one number of it, at its place.
      const sent = vectorOf(crossed.find((message) => message.kind === 'masked' && message.device === device) as never);
      const same = toVector(LAYOUT, summandOf(device), 16).filter((value, at) => value === sent[at]).length;
      expect(same).toBe(0);
    }
    const kinds = new Set(crossed.map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(['advertise', 'keys', 'share', 'shares', 'model', 'masked', 'unmask', 'reveal']));
  });
});

import { describe, expect, it } from 'vitest';
import { SAMPLER } from '../../../src/coordinator/sampling/registry.js';
import { POLICIES } from '../../../src/coordinator/settings.js';
import { createMetrics } from '../../../src/telemetry/prometheus/metrics.js';
import { accountedFor, policyOf, runWith, sum } from '../../support/runs/real-fleet.js';
import { parseExposition } from '../../support/telemetry/exposition.js';
import { type Tapped, tappedHosts } from '../../support/transport/message-tap.js';
import { epochsOf, finish, roundsOf, storyOf } from '../../support/transport/small-run.js';

/** Everything that can go wrong, often enough to happen in a few rounds of a few devices. */
const PERTURBATIONS = {
  ...{ degradedLinks: 0.2, linkFactor: 5, skewedClocks: 0.2, delayed: 0.2, delaySeconds: 5 },
  ...{ lost: 0.1, duplicated: 0.2, corrupted: 0.15, byzantine: 0.2 },
};

const PAIRS = [
  ['wait-all', 'shuffled'],
  ['wait-all', 'oort'],
  ['deadline', 'activity'],
  ['deadline', 'poisson'],
  ['deadline', 'available'],
  ['fastest', 'round-robin'],
  ['fastest', 'oort'],
  ['buffered', 'uniform'],
  ['buffered', 'available'],
  ['buffered', 'oort'],
] as const;

const perturbed = (kind: string, sampling: string, threads: number) =>
  runWith({ threads, sampling, cohort: 8, rounds: 6, policy: policyOf(kind), defence: { normMultiple: 10 }, perturbations: PERTURBATIONS });

describe('a fleet with which everything goes wrong', () => {
  it('is tried under every policy and every selection', () => {
    expect(new Set(PAIRS.map(([kind]) => kind))).toEqual(new Set(POLICIES));
    expect(new Set(PAIRS.map(([, sampling]) => sampling))).toEqual(new Set(SAMPLER.builtIns.map(({ name }) => name)));
  });

  it.each(PAIRS)(
    'ends in the same bits after the same timeline on 1 and 4 threads, every device accounted for: %s, %s',
    async (...pair) => {
      const [one, four] = await Promise.all([1, 4].map((threads) => perturbed(...pair, threads)));
      expect(four!.outcome).toEqual(one!.outcome);
      expect(storyOf(four!.events)).toEqual(storyOf(one!.events));

      const [kind] = pair;
      const { deadline, timeout } = policyOf(kind);
      let inFlight = 0;
      for (const { round, cohort, outcomes, virtual } of roundsOf(one!.events)) {
        expect(outcomes, `round ${round}`).toMatchObject({ carried: inFlight, assigned: cohort });
        expect(accountedFor(outcomes), `round ${round}`).toBe(outcomes.assigned + outcomes.carried);
        for (const latency of virtual!.latencies) expect(latency).toBeLessThanOrEqual(kind === 'deadline' ? deadline : timeout);
        for (const { energy, bytesDown, bytesUp } of virtual!.profiles)
          expect(Math.min(energy, bytesDown, bytesUp)).toBeGreaterThanOrEqual(0);
        ({ inFlight } = outcomes);
      }
      const rounds = roundsOf(one!.events);
      expect(rounds.reduce((total, { outcomes }) => total + outcomes.trained, 0)).toBeGreaterThan(0);
      expect(rounds.reduce((total, { outcomes }) => total + sum(outcomes.rejected), 0)).toBeGreaterThan(0);
      expect(rounds.reduce((total, { outcomes }) => total + sum(outcomes.dropped), 0)).toBeGreaterThan(0);
    },
  );
});

it('updates that all arrive twice are each applied once', async () => {
  const [once, twice] = await Promise.all([0, 1].map((duplicated) => finish({ config: { perturbations: { duplicated } } })));
  expect(twice!.outcome.digest).toBe(once!.outcome.digest);
  for (const { duplicates, outcomes } of roundsOf(twice!.events)) expect(duplicates).toBe(outcomes.trained);
});

/** A posted object is walked key by key: the value of a key follows it. */
const after = ({ leaves }: Tapped, key: string): unknown => leaves[leaves.indexOf(key) + 1];

/** Bytes of the records in a frame, without their padding, by their headers alone. */
const recordBytes = (tapped: Tapped): number => {
  const frame = after(tapped, 'frame') as Uint8Array;
  const length = after(tapped, 'length') as number;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let bytes = 0;
  for (let at = 0; at < length; ) {
    const size = 8 + view.getUint32(at + 4, true);
    bytes += size;
    at = (at + size + 7) & ~7;
  }
  return bytes;
};

it.each([
  ['without a fleet', {}],
  ['of a fleet with which everything goes wrong', { perturbations: PERTURBATIONS, policy: policyOf('fastest') }],
])('the bytes in the metrics are the bytes on the wire: %s', async (_, config) => {
  const hosts = await tappedHosts();
  const metrics = createMetrics();
  const options = { hostEntry: hosts.entry, onEvent: metrics.observe };
  const { events } = await ('policy' in config ? runWith({ ...config, rounds: 6 }, options) : finish({ ...options, config }));
  expect(epochsOf(events).length).toBeGreaterThan(0);
  const frames = hosts.read().filter((tapped) => tapped.port === 'traffic' && tapped.leaves.includes('frame'));
  const text = await metrics.registry.metrics();
  parseExposition(text);
  for (const [direction, way] of [['down', 'in'] as const, ['up', 'out'] as const]) {
    const counted = [...text.matchAll(/^metafleet_message_bytes_total\{(.*)\} (\d+)$/gm)]
      .filter(([, labels]) => labels!.includes(`direction="${direction}"`))
      .reduce((total, [, , bytes]) => total + Number(bytes), 0);
    const wired = frames.filter((frame) => frame.way === way).reduce((total, frame) => total + recordBytes(frame), 0);
    expect(wired).toBeGreaterThan(0);
    expect(counted, direction).toBe(wired);
  }
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { VARIANTS } from '../../../../src/algorithms/maml/options.js';
import { loadDataset } from '../../../../src/data/load.js';
import { allRatings, leavesOf, ratingsFound, sentinelData, tappedHosts } from '../../../support/transport/message-tap.js';
import { finish, start, storyOf, temporaryFolder } from '../../../support/transport/small-run.js';

const MAML = {
  algorithm: 'maml',
  delivery: 'subset',
  decoys: 2,
  ratings: 6,
  maml: { dimension: 4, innerSteps: 3, outerSchedule: 'constant' },
} as const;
const by = (variant: (typeof VARIANTS)[number]) => ({ ...MAML, maml: { ...MAML.maml, variant, innerRate: 0.1 } });

const checkpointsIn = (folder: string) => ({ last: `${folder}/last.checkpoint`, best: `${folder}/best.checkpoint` });

describe('a run of MAML', () => {
  it.each(VARIANTS)('gives the same digest, rounds and errors on 1, 2 and 4 threads: %s', async (variant) => {
    const [one, ...others] = await Promise.all([1, 2, 4].map((threads) => finish({ config: { ...by(variant), threads } })));
    expect(storyOf(one!.events).rounds).toHaveLength(12);
    for (const other of others) {
      expect(other.outcome).toEqual(one!.outcome);
      expect(storyOf(other.events)).toEqual(storyOf(one!.events));
    }
  });

  it('trains the same Θ in full and in subset delivery, and another by each variant', async () => {
    const plain = VARIANTS.map((variant) => ({ ...by(variant), decoys: 0 }));
    const runs = await Promise.all([{ ...plain[0], delivery: 'full' }, ...plain].map((config) => finish({ config })));
    const [full, ...digests] = runs.map(({ outcome }) => outcome.digest);
    expect(full).toBe(digests[0]);
    expect(new Set(digests).size).toBe(VARIANTS.length);
  });

  // meta-sgd has one more tensor.
  it.each(['first-order', 'meta-sgd'] as const)(
    'interrupted and resumed, or with a host killed, ends in the digest of an undisturbed one: %s',
    async (variant) => {
      const config = { ...by(variant), threads: 2 };
      const undisturbed = await finish({ config });
      const at = async (act: (watched: Awaited<ReturnType<typeof start>>) => void, options: object) => {
        const watched = await start({
          config,
          ...options,
          onEvent: (event) => event.type === 'round' && event.round === 5 && act(watched),
        });
        return { ...watched, outcome: await watched.run.finished };
      };
      const checkpoints = checkpointsIn(await temporaryFolder());
      const first = await at(({ run }) => run.interrupt(), { checkpoints });
      expect(first.outcome.reason).toBe('interrupted');
      const second = await finish({ config: { ...config, threads: 3 }, checkpoints, resume: checkpoints.last });
      expect(second.outcome).toEqual(undisturbed.outcome);

      const killed = await at(({ run }) => run.killThread(0), {});
      expect(killed.events.filter(({ type }) => type === 'host-lost').length).toBeGreaterThanOrEqual(1);
      expect(killed.outcome).toEqual(undisturbed.outcome);
    },
  );

  it.each(VARIANTS)('has no rating in a message of a host, a checkpoint or an event: %s', async (variant) => {
    const folder = await temporaryFolder();
    const [dataset, hosts, checkpoints] = [sentinelData(0), await tappedHosts(), checkpointsIn(folder)];
    const config = { ...by(variant), ratings: 'all', cohort: 12, rounds: 2, epochs: 2 };
    const { events, outcome } = await finish({ dataset, config, hostEntry: hosts.entry, checkpoints });
    const secrets = allRatings(dataset);
    expect(secrets).toHaveLength(12 * 7);
    const out = hosts.read().filter(({ way }) => way === 'out');
    expect(out.filter(({ port }) => port === 'traffic').length).toBeGreaterThan(2);
    for (const { port, leaves } of out) expect({ port, found: ratingsFound(leaves, secrets) }).toEqual({ port, found: [] });
    const files = Object.values(checkpoints).map((path) => new Uint8Array(readFileSync(path)));
    for (const said of [events, outcome, ...files]) expect(ratingsFound(leavesOf(said), secrets)).toEqual([]);
  });

  it.each(VARIANTS)('learns: its error on a planted set falls far below that of the first epoch: %s', async (variant) => {
    const dataset = await loadDataset('synthetic:users=60,items=20,ratings=900,rank=2,noise=0.1', { split: 'auto', seed: 1 });
    const maml = { variant, dimension: 4, innerRate: 0.3, outerRate: 0.03, ...(variant === 'reptile' ? {} : { decay: 0 }) };
    const { events } = await finish({ dataset, config: { algorithm: 'maml', maml, cohort: 20, epochs: 40, evaluation: { every: 1 } } });
    const errors = events.filter((event) => event.type === 'epoch').map(({ valid }) => valid.metrics['mse']!);
    expect(errors.at(-1)).toBeLessThan(0.7 * errors[0]!);
  });

  it('that diverges ends with an error', async () => {
    const config = { ...MAML, maml: { ...MAML.maml, innerSteps: 50, outerRate: 1e4 } };
    await expect(finish({ config: { ...config, epochs: 30 } })).rejects.toThrow(/finite/);
  });
});

describe('users who take no part in training', () => {
  it('are served: better the more of them is known', async () => {
    const errorOf = async (support: number): Promise<number> => {
      const dataset = await loadDataset('synthetic:users=120,items=20,ratings=1800,rank=1,noise=0.1', {
        split: 'cold-users',
        splitting: { support },
        seed: 1,
      });
      const config = { algorithm: 'maml', maml: { dimension: 4, innerRate: 0.3, outerRate: 0.03 }, cohort: 20, epochs: 20 };
      const { events } = await finish({ dataset, config });
      const epochs = events.filter((event) => event.type === 'epoch');
      return epochs.at(-1)!.valid.metrics['mse']!;
    };
    const [few, many] = [await errorOf(1), await errorOf(8)];
    expect(many).toBeLessThan(0.9 * few);
  });
});

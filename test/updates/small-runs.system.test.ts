import { describe, expect, it } from 'vitest';
import { bytesOf } from '../support/runs/real-fleet.js';
import { finish, roundsOf, start, storyOf, temporaryFolder } from '../support/transport/small-run.js';

const FEDAVG = { algorithm: 'fedavg', fedavg: { itemEmbedding: 8 } };
const SETTINGS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'top-k': { updates: ['top-k'], 'top-k': { share: 0.1 } },
  'random-k, with private parts of an algorithm': { ...FEDAVG, updates: ['random-k'], 'random-k': { share: 0.2 } },
  'quantize to 8 bits': { updates: ['quantize'] },
  'clip, top-k, quantize to 4 bits, among decoys': {
    ...{ updates: ['clip', 'top-k', 'quantize'], quantize: { bits: 4, bucket: 16 } },
    ...{ delivery: 'subset', decoys: 3, ratings: 2, sampling: 'activity', rounds: 12 },
  },
};

describe('a run with small updates', () => {
  for (const [name, config] of Object.entries(SETTINGS)) {
    it(`has the same bits on 1, 2 and 4 threads, and after an interruption: ${name}`, async () => {
      const [one, ...others] = await Promise.all([1, 2, 4].map((threads) => finish({ config: { ...config, threads } })));
      for (const other of others) {
        expect(other.outcome).toEqual(one!.outcome);
        expect(storyOf(other.events)).toEqual(storyOf(one!.events));
      }
      const folder = await temporaryFolder();
      const checkpoints = { last: `${folder}/last.checkpoint`, best: `${folder}/best.checkpoint` };
      const first = await start({
        config,
        checkpoints,
        onEvent: (event) => event.type === 'round' && event.round === 5 && first.run.interrupt(),
      });
      const interrupted = await first.run.finished;
      expect(interrupted.reason).toBe('interrupted');
      const resumed = await finish({ config: { ...config, threads: 3 }, checkpoints, resume: checkpoints.last });
      expect(resumed.outcome).toEqual(one!.outcome);
      // What waits on the devices has come along.
      expect([...storyOf(first.events).rounds, ...storyOf(resumed.events).rounds]).toEqual(storyOf(one!.events).rounds);
    });
  }

  it('sends fewer bytes up, and the same bytes down', async () => {
    const bytes = async (config: Readonly<Record<string, unknown>>) => {
      const [first] = roundsOf((await finish({ config: { rounds: 1, ...FEDAVG, fedavg: { itemEmbedding: 40 }, ...config } })).events);
      return {
        up: bytesOf(first!.traffic, 'up'),
        down: bytesOf(first!.traffic, 'down'),
        dtypes: new Set(first!.traffic.map(({ dtype }) => dtype)),
      };
    };
    const whole = await bytes({});
    const tenth = await bytes({ updates: ['top-k'], 'top-k': { share: 0.1 } });
    const eight = await bytes({ updates: ['quantize'] });
    const four = await bytes({ updates: ['quantize'], quantize: { bits: 4 } });
    for (const { down } of [tenth, eight, four]) expect(down).toBe(whole.down);
    // A tenth of the numbers with their places, and what any update takes: its envelope and its rows.
    expect(tenth.up / whole.up).toBeLessThan(0.2);
    expect(eight.up / whole.up).toBeGreaterThan(1 / 4);
    expect(eight.up / whole.up).toBeLessThan(0.4);
    expect(four.up / whole.up).toBeLessThan(0.3);
    expect(four.up / eight.up).toBeLessThan(0.8);
    expect([eight.dtypes, four.dtypes]).toEqual([new Set(['f32', 'int8']), new Set(['f32', 'int4'])]);
  });
});

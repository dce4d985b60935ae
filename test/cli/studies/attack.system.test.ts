import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AttackRow } from '../../../src/studies/attack/measure.js';
import type { AttackResult } from '../../../src/studies/attack/study.js';
import { metafleet } from '../../support/cli/command.js';
import { SIZES, train, writeRatings } from '../../support/inference/trained.js';

const cwd = mkdtempSync(join(tmpdir(), 'metafleet-attack-'));

beforeAll(async () => {
  writeRatings(cwd);
  await train(cwd, 'metamf', ...SIZES.metamf);
  await train(cwd, 'paper', ...SIZES.metamf, '--metamf.centring', 'none');
  await train(cwd, 'dot', ...SIZES.fedavg);
  await train(cwd, 'mlp', ...SIZES.fedavg, '--fedavg.model', 'mlp', '--fedavg.serverRate', '1');
}, 120_000);
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const attack = async (run: string, ...words: readonly string[]): Promise<AttackResult> => {
  const { code, out, err } = await metafleet(['attack', '--run', `results/${run}`, '--hide', '10', ...words, '--json'], { cwd });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as AttackResult;
};

const plain = new Map<string, Promise<AttackResult>>();
/** Without update steps, once for all tests. */
const plainAttack = (run: string): Promise<AttackResult> => {
  const result = plain.get(run) ?? attack(run);
  plain.set(run, result);
  return result;
};

const rowOf = ({ rows }: AttackResult, wanted: Partial<AttackRow>): AttackRow => {
  const found = rows.filter((row) => Object.entries(wanted).every(([key, value]) => row[key as keyof AttackRow] === value));
  expect(found).toHaveLength(1);
  return found[0]!;
};

const NOISE = ['--updates', 'clip,noise', '--noise.sigma', '100'];

describe('metafleet attack', () => {
  it.each(['metamf', 'paper', 'dot', 'mlp'])('knows the items of an update, decoys or not: %s', async (run) => {
    const result = await plainAttack(run);
    expect(result).toMatchObject({ run, devices: 24, defences: [] });
    for (const setting of ['no decoys', '10 decoys']) {
      const row = rowOf(result, { attack: 'items', setting, method: 'rows that change', measure: 'precision' });
      expect(row.success).toBe(1);
      expect(row.chance).toBeLessThan(0.8);
    }
    const named = rowOf(result, { attack: 'items', setting: '10 decoys', method: 'rows that are named', measure: 'precision' });
    expect(named.success).toBeLessThan(0.9);
  });

  it.each([
    ['metamf', 'all ratings', 0.99],
    ['paper', '1 rating', 0.99],
    ['paper', 'all ratings', 0.99],
    ['dot', 'all ratings', 0.9],
  ])('reads the ratings of an update: %s, %s', async (run, setting, least) => {
    const { success, interval, chance } = rowOf(await plainAttack(run), { attack: 'ratings', setting });
    expect(success).toBeGreaterThan(least);
    expect(interval![0]).toBeGreaterThan(chance!);
  });

  it('finds ratings by search where it cannot compute them', async () => {
    const { method, success, chance } = rowOf(await plainAttack('mlp'), { attack: 'ratings', setting: '8 ratings' });
    expect(method).toBe('nearest simulated update');
    expect(success).toBeGreaterThan(chance!);
  });

  it.each(['metamf', 'dot'])('is no better than chance in strong noise: %s', async (run) => {
    const result = await attack(run, ...NOISE, ...(run === 'dot' ? ['--defence.normMultiple', '0'] : []));
    expect(result.defences).toEqual(['clip', 'noise']);
    for (const setting of ['1 rating', '8 ratings', 'all ratings']) {
      const { interval, chance } = rowOf(result, { attack: 'ratings', setting });
      expect(interval![0]).toBeLessThanOrEqual(chance!);
    }
    const found = rowOf(result, { attack: 'items', setting: '10 decoys', method: 'rows that change', measure: 'precision' });
    const named = rowOf(result, { attack: 'items', setting: '10 decoys', method: 'rows that are named', measure: 'precision' });
    expect(found.success).toBe(named.success);
  });

  it('sees a clipped update as it is: Σ of the losses says how much shorter it became', async () => {
    const { success } = rowOf(await attack('paper', '--updates', 'clip', '--clip.bound', '0.01'), { setting: 'all ratings' });
    expect(success).toBeGreaterThan(0.99);
  });

  it('has only the sum of a cohort where updates travel under masks', async () => {
    const [alone, summed] = await Promise.all([
      plainAttack('dot'),
      attack('dot', '--updates', 'secure-sum', '--defence.normMultiple', '0', '--delivery', 'full'),
    ]);
    const wanted = { attack: 'ratings', setting: 'all ratings' } as const;
    expect(rowOf(summed, wanted).success).toBeLessThan(rowOf(alone, wanted).success! - 0.3);
  });

  it('answers the same twice, and with a table', async () => {
    const [first, second] = await Promise.all([plainAttack('dot'), attack('dot')]);
    expect(second).toEqual(first);
    const { out } = await metafleet(['attack', '--run', 'results/dot'], { cwd });
    expect(out).toMatch(/^dot \(fedavg, after round \d+\): 24 devices, no update steps\n\nATTACK/);
    expect(out).toMatch(/^membership +final model +.* 0\.500 +\d+$/m);
  });

  it('refuses a step that the run cannot have, in one line', async () => {
    const { code, out, err } = await metafleet(['attack', '--run', 'results/metamf', '--updates', 'secure-sum'], { cwd });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^metafleet: .*secure-sum.*\n$/);
  });
});

import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadProfiles } from '../../../src/runs/config/profiles.js';
import { temporaryFolder } from '../../support/transport/small-run.js';

const SHIPPED = ['laptop', 'phone-high', 'phone-low', 'phone-mid', 'watch'];
const PHONE = readFileSync('src/runs/config/profiles/phone-low.yaml', 'utf8');

const written = async (text: string): Promise<string> => {
  const path = join(await temporaryFolder(), 'mine.yaml');
  await writeFile(path, text);
  return path;
};

/** A shipped file with one line of it changed. */
const changed = (from: RegExp, to: string): string => {
  expect(PHONE).toMatch(from);
  return PHONE.replace(from, to);
};

describe('the shipped profiles', () => {
  it('are each a device by itself, and together the mix, whose shares add up to 1', () => {
    for (const name of SHIPPED) expect(loadProfiles(name)).toMatchObject({ profiles: [{ name }], shares: [1] });
    const { profiles, shares } = loadProfiles('mix');
    expect(profiles.map(({ name }) => name).toSorted()).toEqual(SHIPPED);
    expect(shares.reduce((total, share) => total + share, 0)).toBeCloseTo(1, 12);
  });

  it('are read in base units', async () => {
    expect(loadProfiles(await written(PHONE)).profiles[0]).toMatchObject({
      name: 'mine',
      memory: 64e6,
      computeRate: 0.8e9,
      down: { latency: { median: 0.07 }, bandwidth: { median: 13e6 / 8, sigma: 0.7 } },
      battery: { capacity: 19.25 * 3600, reserve: 0.3, charge: { watts: 10, from: 23, hours: 6 } },
      energy: { perByteReceived: 1.2e-6, perOperation: 0.6e-9 },
      dataPlan: { bytes: 50e6, period: 30 * 86_400 },
    });
  });
});

describe('a profile file', () => {
  it.each([
    [
      'an unknown key',
      changed(/^storage:/m, 'storrage:'),
      /mine\.yaml:4, key storrage: expected a known key \(did you mean storage\?\), found "storrage"$/,
    ],
    [
      'an unknown key within',
      changed(/ {2}latencySigma/, '  latencySpread'),
      /mine\.yaml:\d+, key down\.latencySpread: expected a known key/,
    ],
    [
      'a unit where a number belongs',
      changed(/^memory: 64/m, 'memory: 64 MB'),
      /mine\.yaml:3, key memory: expected a number, found "64 MB"$/,
    ],
    ['a negative number', changed(/^storage: 500/m, 'storage: -500'), /mine\.yaml:4, key storage: expected a number > 0, found -500$/],
    ['an hour that is none', changed(/chargeFrom: 23/, 'chargeFrom: 24'), /key battery\.chargeFrom: expected a number < 24, found 24$/],
    ['a share above 1', changed(/reserve: 0\.3/, 'reserve: 1.3'), /key battery\.reserve: expected a number < 1, found 1\.3$/],
    ['an infinite number', changed(/^computeRate: 0\.8/m, 'computeRate: .inf'), /key computeRate: expected .*, found Infinity$/],
    ['a key missing', changed(/^computeRate.*\n/m, ''), /mine\.yaml.*, key computeRate: expected a number, found nothing$/],
    ['a key twice', `${PHONE}memory: 3\n`, /mine\.yaml:\d+: Map keys must be unique/],
    ['what is no YAML', 'memory: [3\n', /mine\.yaml:\d+: /],
    ['a list', '- memory\n', /mine\.yaml: expected a map of keys, found a list$/],
    ['nothing', '', /key memory: expected a number, found nothing$/],
  ])('with %s is refused by line and key', async (_, text, line) => {
    const path = await written(text);
    expect(() => loadProfiles(path)).toThrow(line);
  });
});

describe('a mix', () => {
  const own = `profiles:\n  tiny:\n${PHONE.replace(/^/gm, '    ')}\n`;

  it('takes profiles of its own beside shipped ones, and prefers its own', async () => {
    const { profiles, shares } = loadProfiles(await written(`${own.replace('tiny', 'watch')}mix:\n  watch: 0.25\n  laptop: 0.75\n`));
    expect(profiles.map(({ name, memory }) => [name, memory])).toEqual([
      ['watch', 64e6],
      ['laptop', 1024e6],
    ]);
    expect(shares).toEqual([0.25, 0.75]);
  });

  it.each([
    ['shares that add up to less', 'mix:\n  watch: 0.5\n', /mine\.yaml, key mix: expected shares that add up to 1, found 0\.5$/],
    ['no shares', 'mix: {}\n', /key mix: expected shares that add up to 1, found 0$/],
    ['a negative share', 'mix:\n  watch: 1.5\n  laptop: -0.5\n', /mine\.yaml:3, key mix\.laptop: expected a number ≥ 0, found -0\.5$/],
    ['a share in per cent', 'mix:\n  watch: 50 %\n  laptop: 0.5\n', /mine\.yaml:2, key mix\.watch: expected a number, found "50 %"$/],
    [
      'a profile nobody knows',
      'mix:\n  toaster: 1\n',
      /key mix\.toaster: expected a profile: laptop, .* or one of its own, found toaster$/,
    ],
    ['a mix of mixes', 'mix:\n  mix: 1\n', /key mix\.mix: expected a profile: /],
    [
      'a bad profile of its own',
      `${own.replace('memory: 64', 'memory: 0')}mix:\n  tiny: 1\n`,
      /key profiles\.tiny\.memory: expected a number > 0, found 0$/,
    ],
    ['a key beside its own', 'mix:\n  watch: 1\nshares: 3\n', /mine\.yaml:3, key shares: expected a known key/],
    ['a number for the shares', 'mix: 3\n', /mine\.yaml:1, key mix: expected a map, found 3$/],
  ])('with %s is refused by line and key', async (_, text, line) => {
    const path = await written(text);
    expect(() => loadProfiles(path)).toThrow(line);
  });

  it('does not offer itself where a profile is expected', async () => {
    const path = await written('mix:\n  toaster: 1\n');
    expect(() => loadProfiles(path)).toThrow(/a profile: laptop, phone-high, phone-low, phone-mid, watch or one of its own/);
  });
});

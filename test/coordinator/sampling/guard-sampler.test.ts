import { describe, expect, it } from 'vitest';
import { isMetafleetError } from '../../../src/base/errors.js';
import { random } from '../../../src/base/random.js';
import { deviceId, seconds } from '../../../src/base/units.js';
import { guardSampler } from '../../../src/coordinator/sampling/guard-sampler.js';
import type { Sampler, SamplerContext } from '../../../src/coordinator/sampling/sampler.js';
import { uniform } from '../../../src/coordinator/sampling/uniform.js';

const CONTEXT: SamplerContext = {
  ...{ devices: 9, cohort: 3, roundsPerEpoch: 3, activity: new Uint32Array(9).fill(2), checkIn: () => 'charging' },
  random: (...keys) => random(1, ...keys),
};
const SELECTION = { round: 4, size: 3, busy: new Set([deviceId(5)]), now: seconds(0) };

const guarded = (changes: Partial<Sampler>): Sampler =>
  guardSampler({ ...uniform, create: () => ({ ...uniform.create({}, CONTEXT), ...changes }) }, './mine.js', {}, CONTEXT);
const said = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (isMetafleetError(error, 'MODULE')) return error.message;
    throw error;
  }
  return 'nothing was thrown';
};
const choosing = (devices: unknown): string =>
  said(() => guarded({ choose: () => devices as ReturnType<Sampler['choose']> }).choose({ ...SELECTION, devices: 8 }));

describe('a sampler of a module', () => {
  it.each<readonly [string, unknown, string]>([
    ['nothing', undefined, 'a list of devices, found undefined'],
    ['too many devices', [0, 1, 2, 3], 'at most 3 devices, found 4'],
    ['a device below the fleet', [-1, 2], 'devices from 0 to 7, found -1'],
    ['a device beyond those that take part', [1, 8], 'devices from 0 to 7, found 8'],
    ['what is no device', [1.5], 'devices from 0 to 7, found 1.5'],
    ['a device twice', [2, 2], 'each device once, found 2 twice'],
    ['a device that is at work', [2, 5], 'devices that are not still at work, found 5'],
    ['devices in another order', [4, 2], 'devices in ascending order, found 2 after 4'],
  ])('that chooses %s ends in one line with module and hook', (_, devices, line) => {
    expect(choosing(devices)).toBe(`./mine.js, hook choose: expected ${line}`);
  });

  it('that chooses rightly chooses what it would unguarded', () => {
    expect(choosing([0, 2, 7])).toBe('nothing was thrown');
    expect(guarded({}).choose(SELECTION)).toEqual(uniform.create({}, CONTEXT).choose(SELECTION));
  });

  it('that throws, or lacks a function, ends in one line', () => {
    const learn = () => {
      throw new Error('forgot');
    };
    expect(said(() => guarded({ learn }).learn(1, [], []))).toBe('./mine.js, hook learn: it threw: forgot');
    expect(said(() => guarded({ state: 5 as never }))).toBe('./mine.js, hook create: expected state: a function, found number');
  });

  it('cannot make busy devices free', () => {
    const choose: Sampler['choose'] = ({ busy }) => {
      (busy as Set<unknown>).clear();
      return [deviceId(5)];
    };
    expect(said(() => guarded({ choose }).choose(SELECTION))).toMatch(/not still at work, found 5$/);
  });
});

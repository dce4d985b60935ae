import { describe, expect, it } from 'vitest';
import { planRun } from '../../../src/runs/trainer/plan.js';
import { smallConfig, smallData } from '../../support/transport/small-run.js';

/** 30 devices, cohorts of 8. */
const plan = async (config: Readonly<Record<string, unknown>>) => planRun(smallConfig(config), await smallData());
const mix = (fleet: object, rest: object = {}) => ({ fleet: { profiles: 'mix', ...fleet }, ...rest });
const staged = (list: readonly object[], rest: object = {}) => ({ sampling: 'uniform', stages: { list, ...rest } });

describe('a run is refused before anything starts', () => {
  it.each<[string, Readonly<Record<string, unknown>>, RegExp]>([
    ['a profile nobody knows', mix({ profiles: 'toaster' }), /^key fleet\.profiles: expected none, laptop, mix, .* found toaster$/],
    [
      'profiles that are not there',
      mix({ profiles: './no.yaml' }),
      /^key fleet\.profiles: expected a readable file, found \.\/no\.yaml: ENOENT/,
    ],
    [
      'a trace that is not there',
      mix({ availability: 'no.csv' }),
      /^key fleet\.availability: expected always, diurnal, or a readable trace/,
    ],
    ['a worst hour above the best', mix({ availability: 'diurnal', leastAvailable: 0.9 }), /^key fleet\.leastAvailable: expected at most/],
    ['availability of no fleet', { fleet: { availability: 'diurnal' } }, /^key fleet\.profiles: expected profiles, .* found none$/],
    ['delays of no fleet', { perturbations: { delayed: 0.5 } }, /^key fleet\.profiles: expected profiles, as perturbations\.delayed/],
    ['more asked than there are', mix({}, { policy: { kind: 'fastest', overSelection: 9 } }), /^key policy\.overSelection: .* found 72$/],
    [
      'a buffer smaller than the cohort',
      mix({}, { policy: { kind: 'buffered', concurrency: 4 }, sampling: 'uniform' }),
      /^key policy\.concurrency: expected at least the cohort of 8, found 4$/,
    ],
    [
      'stages that move a buffered cohort',
      mix({}, { policy: { kind: 'buffered' }, ...staged([{ length: 5, cohort: 9 }]) }),
      /^key policy\.kind: expected another than buffered/,
    ],
    [
      'stages of more devices than there are',
      staged([{ length: 5, devices: 31 }]),
      /^key stages\.list: expected at most the fleet's 30 devices, found 31$/,
    ],
    [
      'a stage whose cohort is larger than the fleet',
      staged([{ length: 5, cohort: 31 }]),
      /^key stages\.list: expected at most .* found 31$/,
    ],
    [
      'stages that take no time',
      staged([{ length: 0, cohort: 5 }]),
      /^key stages\.list: expected stages that last, .* found a length of 0 in all$/,
    ],
    ['arrivals by the round', staged([{ length: 5, arrivals: 2 }]), /^key stages\.unit: expected virtual, .* found rounds$/],
    [
      'virtual stages of no fleet',
      staged([{ length: 5 }], { unit: 'virtual' }),
      /^key fleet\.profiles: expected profiles, as stages count virtual time/,
    ],
    [
      'stages of devices under a selection that cannot leave any out',
      { ...staged([{ length: 5, devices: 9 }]), sampling: 'oort' },
      /^key sampling: expected uniform, poisson, activity, available, .* found oort$/,
    ],
    [
      'stages of cohorts that are shuffled',
      { ...staged([{ length: 5, cohort: 9 }]), sampling: 'shuffled' },
      /^key sampling: expected another than shuffled/,
    ],
  ])('%s', async (_, config, line) => {
    await expect(plan(config)).rejects.toThrow(line);
  });
});

describe('the end of a run with stages', () => {
  it('is the last round of its stages, where they count rounds', async () => {
    const { rounds, epochs, ends } = await plan(staged([{ length: 2 }, { length: 3.5, cohort: 5 }], {}));
    expect({ rounds, epochs, ends }).toEqual({ rounds: 6, epochs: 2, ends: null });
    expect(await plan({ ...staged([{ length: 99 }]), rounds: 5 })).toMatchObject({ rounds: 5, ends: null });
  });

  it('is a time, where they count seconds', async () => {
    const list = [{ length: 60 }, { length: 30, cohort: 5 }];
    expect(await plan(staged(list, { unit: 'wall' }))).toMatchObject({ rounds: 12, ends: { unit: 'wall', after: 90 } });
    expect(await plan({ ...mix({}), ...staged(list, { unit: 'virtual' }) })).toMatchObject({ ends: { unit: 'virtual', after: 90 } });
    expect((await plan({})).ends).toBeNull();
  });
});

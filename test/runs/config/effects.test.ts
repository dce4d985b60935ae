import { describe, expect, it } from 'vitest';
import { isRead } from '../../../src/runs/config/effects.js';
import {
  flagSource,
  presetSource,
  printConfig,
  refuseIdleSettings,
  resolveConfig,
  yamlSource,
} from '../../../src/runs/config/parse-config.js';

/** What `metafleet run` does with its flags. */
const given = (flags: Readonly<Record<string, string>>): void => {
  const source = flagSource(flags);
  refuseIdleSettings([resolveConfig(source)], [source]);
};

describe('a setting that the run does not read is refused, by the name of what would read it', () => {
  it.each([
    [
      { algorithm: 'fedavg', 'metamf.hidden': '7' },
      'flag --metamf.hidden: only algorithm metamf reads it, and this run has algorithm fedavg',
    ],
    [{ 'fedavg.units': '7' }, 'flag --fedavg.units: only algorithm fedavg reads it, and this run has algorithm metamf'],
    [
      { algorithm: 'fedavg', 'optimizer.rate': '0.5' },
      'flag --optimizer.rate: only an algorithm that steps by the optimizer section reads it, and this run has algorithm fedavg',
    ],
    [{ 'policy.deadline': '5' }, 'flag --policy.deadline: only policy.kind deadline reads it, and this run has policy.kind wait-all'],
    [
      { 'policy.weighting': 'constant' },
      'flag --policy.weighting: only policy.kind buffered reads it, and this run has policy.kind wait-all',
    ],
    [{ 'oort.penalty': '1' }, 'flag --oort.penalty: only sampling oort reads it, and this run has sampling shuffled'],
    [{ 'optimizer.momentum': '.5' }, 'flag --optimizer.momentum: only optimizer.kind sgd reads it, and this run has optimizer.kind adam'],
    [
      { 'optimizer.stepEpochs': '3' },
      'flag --optimizer.stepEpochs: only optimizer.schedule step reads it, and this run has optimizer.schedule cosine',
    ],
    [
      { moduleTimeout: '5' },
      'flag --moduleTimeout: only a module such as --algorithm ./mine.js reads it, and this run has algorithm metamf, which is built in',
    ],
    [
      { 'fleet.peakHour': '5' },
      'flag --fleet.peakHour: only fleet.availability diurnal reads it, and this run has fleet.availability always',
    ],
    [
      { 'perturbations.attackFactor': '5' },
      'flag --perturbations.attackFactor: only perturbations.byzantine above 0 reads it, and this run has perturbations.byzantine 0',
    ],
  ])('%o', (flags, message) => {
    expect(() => given(flags as Readonly<Record<string, string>>)).toThrow(expect.objectContaining({ code: 'CONFIG', message }));
  });

  it('unless one of several runs reads it', () => {
    const source = flagSource({ 'metamf.hidden': '7' });
    const configs = ['fedavg', 'metamf'].map((algorithm) => resolveConfig(source, flagSource({ algorithm })));
    expect(() => refuseIdleSettings(configs, [source])).not.toThrow();
    expect(() => refuseIdleSettings(configs.slice(0, 1), [source])).toThrow('only algorithm metamf reads it');
  });

  it('in a file, with its line', () => {
    const source = yamlSource('sampling: uniform\noort:\n  penalty: 1\n', 'run.yaml');
    expect(() => refuseIdleSettings([resolveConfig(source)], [source])).toThrow(
      'run.yaml:3, key oort.penalty: only sampling oort reads it, and this run has sampling uniform',
    );
  });
});

describe('a setting is accepted', () => {
  it.each([
    { algorithm: 'fedavg', 'fedavg.model': 'mlp', 'fedavg.units': '7' },
    { 'metamf.hidden': '7' },
    { sampling: 'oort', 'fleet.profiles': 'mix', 'oort.penalty': '1', 'fleet.startHour': '3' },
    { 'policy.kind': 'deadline', 'fleet.profiles': 'mix', 'policy.deadline': '5', 'policy.overSelection': '2' },
    { 'optimizer.kind': 'sgd', 'optimizer.momentum': '.5' },
    // The value that it would have anyway changes nothing.
    { 'oort.penalty': '2' },
  ])('where the run reads it: %o', (flags) => {
    expect(() => given(flags as Readonly<Record<string, string>>)).not.toThrow();
  });

  it('of a preset, whatever is chosen on top of it', () => {
    const changes = flagSource({ algorithm: 'fedavg' });
    expect(() => refuseIdleSettings([resolveConfig(presetSource('paper'), changes)], [changes])).not.toThrow();
  });
});

describe('the printed configuration', () => {
  const sectionsOf = (flags: Readonly<Record<string, string>>): readonly string[] =>
    printConfig(resolveConfig(flagSource(flags)), true)
      .split('\n')
      .filter((line) => /^\w+:$/.test(line));

  it('has the options of the chosen algorithm, and of no other', () => {
    expect(sectionsOf({})).toContain('metamf:');
    expect(sectionsOf({})).not.toContain('fedavg:');
    expect(sectionsOf({ algorithm: 'fedavg' })).toContain('fedavg:');
    expect(sectionsOf({ algorithm: 'fedavg' })).not.toContain('metamf:');
  });

  it('can leave out every key that the run does not read', () => {
    const config = resolveConfig(flagSource({ 'policy.deadline': '7' }));
    expect(printConfig(config, false)).toContain('deadline: 7');
    expect(printConfig(config, false, (key) => isRead(config, key))).not.toContain('deadline:');
  });
});

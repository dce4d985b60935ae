import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../../src/studies/load/scenario.js';

const FILE = 's.yaml';
const MUST = 'thresholds: { rounds: ["count>0"] }\n';
const parse = (text: string, changes?: Parameters<typeof parseScenario>[2]) => parseScenario(`${MUST}${text}`, FILE, changes);

describe('a load scenario', () => {
  it('turns stages into a run that ends with them', () => {
    const { stages, rounds, epochs, patience } = parse(
      'stages:\n  - { for: 20 rounds, devices: 100 }\n  - { for: 10 rounds, cohort: 9 }\n',
    ).config;
    expect(stages).toEqual({
      unit: 'rounds',
      list: [
        { length: 20, devices: 100 },
        { length: 10, cohort: 9 },
      ],
    });
    expect([rounds, epochs, patience]).toEqual([30, 1_000_000, 0]);
    expect(parse('stages: [{ for: 1.5 h, arrivals: 2 }, { for: 30 min }]').config.stages).toEqual({
      unit: 'virtual',
      list: [{ length: 5400, arrivals: 2 }, { length: 1800 }],
    });
    expect(parse('stages: [{ for: 10 s wall }]').config.stages).toEqual({ unit: 'wall', list: [{ length: 10 }] });
  });

  it('is as long as --duration says, its stages in proportion', () => {
    const text = 'stages: [{ for: 40 min wall, cohort: 8 }, { for: 20 min wall }]';
    expect(parse(text, { set: {}, duration: '6 min wall' }).config.stages.list.map(({ length }) => length)).toEqual([240, 120]);
    const rounds = parse('stages: [{ for: 9 rounds }, { for: 3 rounds }]', { set: {}, duration: '4 rounds' }).config;
    expect([rounds.stages.list.map(({ length }) => length), rounds.rounds]).toEqual([[3, 1], 4]);
  });

  it('takes keys over those of the file, and its reference run keys over both', () => {
    const text = 'base: { cohort: 8, seed: 3 }\nperturbations: { byzantine: 0.1 }\nreference: { perturbations.byzantine: 0 }\n';
    const { config, reference } = parse(text, { set: { cohort: '16', 'perturbations.attacks': '[nan]' } });
    expect([config.cohort, config.seed, config.perturbations.byzantine, config.perturbations.attacks]).toEqual([16, 3, 0.1, ['nan']]);
    expect([reference?.cohort, reference?.perturbations.byzantine]).toEqual([16, 0]);
    expect(parse('').reference).toBeUndefined();
  });

  it('refuses a key over those of the file that the run does not read, and lets those of the file be', () => {
    const text = 'base: { metamf: { hidden: 7 } }';
    const set = { algorithm: 'fedavg', 'metamf.hidden': '8' };
    expect(() => parse(text, { set })).toThrow(/^flag --set metamf\.hidden: only /);
    expect(parse(text, { set: { algorithm: 'fedavg' } }).config.algorithm).toBe('fedavg');
  });

  it.each([
    ['stage: []\n', 's.yaml:2, key stage: expected a known key (did you mean stages?), found "stage"'],
    ['stages:\n  - { cohort: 8 }\n', 's.yaml, key stages.0.for: expected a string, found nothing'],
    [
      'stages:\n  - for: 3 weeks\n',
      's.yaml:3, key stages.0.for: expected "20 rounds", virtual time such as "6 h", or wall time such as "10 min wall", found "3 weeks"',
    ],
    ['stages: [{ for: 3 rounds }, { for: 3 h }]\n', 's.yaml:2, key stages.1.for: expected rounds, as in the first stage, found virtual'],
    ['stages: [{ for: 3 rounds, cohort: 0 }]\n', 's.yaml:2, key stages.0.cohort: expected a number ≥ 1, found 0'],
    [
      'perturbations:\n  byzantnie: 0.1\n',
      's.yaml:3, key perturbations.byzantnie: expected a known key (did you mean perturbations.byzantine?), found "perturbations.byzantnie"',
    ],
    ['perturbations: { lost: 1.5 }\n', 's.yaml:2, key perturbations.lost: expected a number ≤ 1, found 1.5'],
    ['base:\n  cohort: many\n', 's.yaml:3, key base.cohort: expected a number, found "many"'],
    ['reference: { cohrt: 8 }\n', 's.yaml:2, key reference.cohrt: expected a known key (did you mean cohort?), found "cohrt"'],
  ])('is refused with one line that says where: %j', (text, message) => {
    expect(() => parse(text)).toThrow(new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`));
  });

  it('needs thresholds, each of a metric there is', () => {
    expect(() => parseScenario('base: { cohort: 8 }\n', FILE)).toThrow('s.yaml, key thresholds: expected a map, found nothing');
    expect(() => parseScenario('thresholds: {}\n', FILE)).toThrow('s.yaml:1, key thresholds: expected at least one threshold');
    expect(() => parseScenario('thresholds:\n  mse: ["value<x"]\n', FILE)).toThrow(
      /^s\.yaml:2, key thresholds\.mse\.0: expected statistic, comparison/,
    );
  });

  it('cannot be given a duration of another unit than its stages', () => {
    const duration = (text: string, span: string) => () => parse(text, { set: {}, duration: span });
    expect(duration('stages: [{ for: 3 rounds }]', '1 h')).toThrow(
      "flag --duration: expected rounds, as the scenario's stages, found virtual",
    );
    expect(duration('', '1 h')).toThrow('flag --duration: expected a scenario with stages, found one without');
  });
});

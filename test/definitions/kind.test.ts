import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ALGORITHM } from '../../src/algorithms/registry.js';
import { builtIn, definitionProblem } from '../../src/definitions/kind.js';
import { UPDATE_STEP } from '../../src/updates/registry.js';

const hook = (): never => {
  throw new Error('no hook is called to see what a definition is');
};
const RIGHT = {
  ...{ name: 'mine', version: '1', options: z.strictObject({ rate: z.number().default(1).describe('learning rate') }) },
  traits: { feedback: 'explicit', aggregation: 'sum', coldUsers: false, features: [], reads: [] },
  ...{ wire: hook, client: hook, server: hook },
};

describe('what keeps a value from being an algorithm', () => {
  it('is nothing for one that is whole', () => {
    expect(definitionProblem(ALGORITHM, RIGHT)).toBeUndefined();
    for (const known of ALGORITHM.builtIns) expect(definitionProblem(ALGORITHM, known)).toBeUndefined();
  });

  it.each<[object, string]>([
    [{ name: 'My MF' }, 'name: expected lower case letters, digits and hyphens, found My MF'],
    [{ name: undefined }, 'name: expected lower case letters, digits and hyphens, found undefined'],
    [{ version: 1 }, 'version: expected a text, found 1'],
    [{ client: undefined }, 'client: expected a function, found undefined'],
    [{ options: { rate: 1 } }, 'options: expected an object schema (z.strictObject({ … }))'],
    [{ options: z.strictObject({ rate: z.number().describe('rate') }) }, 'options.rate: expected a default (.default(…))'],
    [{ options: z.strictObject({ rate: z.number().default(1) }) }, 'options.rate: expected a description (.describe(…))'],
    [{ traits: null }, 'traits: expected an object, found object'],
    [{ traits: { ...RIGHT.traits, aggregation: 'most' } }, 'traits.aggregation: expected each or sum, found most'],
    [{ traits: { ...RIGHT.traits, coldUsers: 'some' } }, 'traits.coldUsers: expected true or false, found some'],
    [{ traits: { ...RIGHT.traits, reads: 'optimizer' } }, 'traits.reads: expected a list'],
  ])('%o', (change, line) => {
    expect(definitionProblem(ALGORITHM, { ...RIGHT, ...change })).toBe(line);
  });

  it('is its kind, for a value that is no object', () => {
    expect(definitionProblem(ALGORITHM, 'mine')).toBe('expected an object, found string');
  });
});

it('an unknown name is refused by those that there are, and by what a path looks like', () => {
  expect(() => builtIn(ALGORITHM, 'adaboost')).toThrow(
    'key algorithm: expected metamf, fedavg, maml, or a path to a module such as ./mine.js, found adaboost',
  );
});

describe('what keeps a value from being an update step', () => {
  const STEP = { name: 'mine', version: '1', options: z.strictObject({}), traits: { hides: [] }, onDevice: hook };

  it.each<[object, string | undefined]>([
    [{}, undefined],
    [{ onDevice: undefined }, 'onDevice or onServer: expected a function, found neither'],
    [{ traits: { hides: ['all'] } }, 'traits.hides: expected a list of norms, rows and counts'],
    [{ traits: { hides: [], requires: 'each' } }, 'traits.requires: expected sum or nothing, found each'],
    [{ traits: { hides: [], sends: 'sparse' } }, 'traits.sends: expected masked or nothing, found sparse'],
    [{ traits: { hides: [] }, onServer: hook }, 'traits.requires: expected sum, as onServer changes a sum'],
    [{ traits: { hides: [], announces: true } }, 'onServer: expected a function, as traits.announces is set'],
  ])('%o', (change, line) => {
    expect(definitionProblem(UPDATE_STEP, { ...STEP, ...change })).toBe(line);
  });
});

// One process of a scenario: starts it, or takes up what an earlier one left, says each round, and ends with the digest.
import { existsSync } from 'node:fs';
import { keptPaths } from '../../src/coordinator/checkpoint/kept-files.js';
import { pathsIn, runScenario } from './world.js';

const [scenario = '', folder = ''] = process.argv.slice(2);
const checkpoints = pathsIn(folder);
const found = keptPaths(checkpoints.last, 2).some((path) => existsSync(path));
const outcome = await runScenario(scenario, { checkpoints, ...(found ? { resume: checkpoints.last } : {}) }, (event) => {
  if (event.type === 'round') process.stdout.write(`round ${event.round}\n`);
});
process.stdout.write(`digest ${outcome.digest}\n`);

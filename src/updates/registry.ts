import type { Kind } from '../definitions/kind.js';
import { adaptiveClip } from './adaptive-clip.js';
import { clip } from './clip.js';
import { centralNoise, laplace, noise } from './noise.js';
import { quantize } from './quantize.js';
import { secureSum } from './secure-sum.js';
import { randomK, topK } from './sparse-steps.js';
import type { UpdateStepDefinition } from './update-step.js';

const HIDDEN: readonly unknown[] = ['norms', 'rows', 'counts'];

export const UPDATE_STEP: Kind<UpdateStepDefinition> = {
  title: 'an update step',
  key: 'updates',
  builtIns: [clip, adaptiveClip, noise, laplace, secureSum, centralNoise, topK, randomK, quantize] as readonly UpdateStepDefinition[],
  functions: [],
  anyOf: ['onDevice', 'onServer'],
  problem: ({ traits, ...definition }) => {
    const { hides, requires, sends, announces } = (traits ?? {}) as Partial<UpdateStepDefinition['traits']>;
    if (!Array.isArray(hides) || hides.some((what) => !HIDDEN.includes(what)))
      return 'traits.hides: expected a list of norms, rows and counts';
    if (requires !== undefined && requires !== 'sum') return `traits.requires: expected sum or nothing, found ${String(requires)}`;
    if (sends !== undefined && sends !== 'masked') return `traits.sends: expected masked or nothing, found ${String(sends)}`;
    const { onServer } = definition as Partial<UpdateStepDefinition>;
    if (onServer !== undefined && requires !== 'sum') return 'traits.requires: expected sum, as onServer changes a sum';
    return announces === true && onServer === undefined ? 'onServer: expected a function, as traits.announces is set' : undefined;
  },
};

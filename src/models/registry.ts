import { type DefinitionSetup, type Kind, loadDefinition } from '../definitions/kind.js';
import { autoRecI, autoRecU } from './autoencoders/autorec.js';
import { cdae } from './autoencoders/cdae.js';
import { multVae } from './autoencoders/mult-vae.js';
import { rbmI, rbmU } from './energy/rbm.js';
import { biasedMf } from './factors/biased-mf.js';
import { bpr } from './factors/bpr.js';
import { fm } from './factors/fm.js';
import { llorma } from './factors/llorma.js';
import { nmf } from './factors/nmf.js';
import { pmf } from './factors/pmf.js';
import { svdpp } from './factors/svdpp.js';
import { deepFm, nfm, wideDeep } from './interaction/field-networks.js';
import { ncf } from './interaction/ncf.js';
import { ease } from './linear/ease.js';
import { itemKnn } from './linear/item-knn.js';
import { popularity } from './linear/popularity.js';
import type { ModelDefinition } from './port/definition.js';
import { guardModel } from './port/guard.js';

const TRAITS: Readonly<Record<string, readonly unknown[]>> = {
  task: ['rating', 'ranking'],
  feedback: ['explicit', 'implicit'],
  training: ['epochs', 'closed'],
};

/** Central models. They share the key of the algorithms that learn on a fleet: a run trains one or the other. */
export const MODEL: Kind<ModelDefinition> = {
  title: 'a central model',
  key: 'algorithm',
  builtIns: [
    pmf,
    biasedMf,
    svdpp,
    nmf,
    llorma,
    fm,
    autoRecI,
    autoRecU,
    rbmI,
    rbmU,
    ncf,
    wideDeep,
    deepFm,
    nfm,
    bpr,
    cdae,
    multVae,
    ease,
    itemKnn,
    popularity,
  ],
  functions: ['create'],
  problem: ({ title, paper, traits }) => {
    for (const [key, text] of Object.entries({ title, paper })) {
      if (typeof text !== 'string' || text === '') return `${key}: expected a text, found ${String(text)}`;
    }
    if (typeof traits !== 'object' || traits === null) return `traits: expected an object, found ${typeof traits}`;
    for (const [key, values] of Object.entries(TRAITS)) {
      const found = (traits as Record<string, unknown>)[key];
      if (!values.includes(found)) return `traits.${key}: expected ${values.join(' or ')}, found ${String(found)}`;
    }
    return undefined;
  },
};

/** Any model, on the calling thread. Errors and wrong results of a user's module end in one line of MODULE. */
export const loadModel = async (setup: DefinitionSetup): Promise<ModelDefinition> => {
  const definition = await loadDefinition(MODEL, setup);
  return setup.module === undefined ? definition : guardModel(definition, setup.module.name);
};

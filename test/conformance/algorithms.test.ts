import { fedavg } from '../../src/algorithms/fedavg/fedavg.js';
import { metamf } from '../../src/algorithms/metamf/metamf.js';
import { algorithmConformance } from '../../src/testing.js';
import { fakeDefinition } from '../support/coordinator/fake-algorithm.js';

const SMALL = { userEmbedding: 3, collaborative: 5, hidden: 7, lowRank: 3, itemEmbedding: 5, units: 3 };

algorithmConformance(metamf, { options: SMALL });
algorithmConformance(fedavg);
algorithmConformance(fakeDefinition('sum'), { options: { context: true, memory: true } });
algorithmConformance(fakeDefinition('each'), { options: { each: true } });

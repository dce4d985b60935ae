import { fedavg } from '../../src/algorithms/fedavg/fedavg.js';
import { maml } from '../../src/algorithms/maml/maml.js';
import { metamf } from '../../src/algorithms/metamf/metamf.js';
import { algorithmConformance } from '../../src/testing.js';
import { fakeDefinition } from '../support/coordinator/fake-algorithm.js';

const SMALL = { userEmbedding: 3, collaborative: 5, hidden: 7, lowRank: 3, itemEmbedding: 5, units: 3 };

algorithmConformance(metamf, { options: SMALL });
algorithmConformance(fedavg);
for (const variant of ['first-order', 'second-order', 'meta-sgd', 'reptile'])
  algorithmConformance(maml, { options: { variant, innerRate: 0.1 } });
algorithmConformance(fakeDefinition('sum'), { options: { context: true, memory: true } });
algorithmConformance(fakeDefinition('each'), { options: { each: true } });

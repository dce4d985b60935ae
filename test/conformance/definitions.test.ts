import { AGGREGATOR } from '../../src/coordinator/aggregation/registry.js';
import { SAMPLER } from '../../src/coordinator/sampling/registry.js';
import { aggregatorConformance, samplerConformance, updateStepConformance } from '../../src/testing.js';
import { UPDATE_STEP } from '../../src/updates/registry.js';

for (const definition of SAMPLER.builtIns) samplerConformance(definition);
for (const definition of AGGREGATOR.builtIns) aggregatorConformance(definition);
for (const definition of UPDATE_STEP.builtIns) updateStepConformance(definition);
aggregatorConformance(AGGREGATOR.builtIns.find(({ name }) => name === 'norm-clip')!, { options: { multiple: 0, bound: 100 } });

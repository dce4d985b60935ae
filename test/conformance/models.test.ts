import { MODEL } from '../../src/models/registry.js';
import { modelConformance } from '../../src/testing.js';

for (const definition of MODEL.builtIns) modelConformance(definition);

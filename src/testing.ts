/** What a test of one's own definitions imports, in Vitest: the promises of each port as tests (docs/own-algorithm.md). */
export { type AggregatorConformanceOptions, aggregatorConformance } from './conformance/aggregator.js';
export { type AlgorithmConformanceOptions, algorithmConformance } from './conformance/algorithm.js';
export { type ModelConformanceOptions, modelConformance } from './conformance/model.js';
export { type SamplerConformanceOptions, samplerConformance } from './conformance/sampler.js';
export { type UpdateStepConformanceOptions, updateStepConformance } from './conformance/update-step.js';

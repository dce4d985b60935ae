/** What a test of one's own definitions imports, in Vitest: the promises of each port as tests (docs/own-algorithm.md). */
export { type AlgorithmConformanceOptions, algorithmConformance } from './conformance/algorithm.js';

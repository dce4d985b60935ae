// The SIMD side of ../rating-kernels.ts, whose comments are the specification; names and argument order are the same.
export { predictRatings, descendRatings } from './rating';

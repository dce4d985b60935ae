// The SIMD side of ../column-kernels.ts and ../likelihood-kernels.ts, whose comments are the specification. Names and argument order are the same.
export { encodeColumns, stepDecoderColumns, stepEncoderColumns } from './columns';
export { softmaxLoss, logisticLoss } from './likelihood';

// The SIMD side of the port in ../kernels/kernels.ts, whose comments are the specification. Names and argument order are the same.
// The assembly/ folders of algorithms are part of the same module. The module owns no memory and keeps no state:
// every thread instantiates it on memories that others use at the same time.
// Counts and element strides arrive as i32. Pointers arrive as usize, to which a JS number ≥ 2³¹ wraps.
export { gemm, transpose } from './matrix';
export { relu, reluBackward, addRows, axpy, sumSquares, dot, squaresAndDotItems, zero } from './vector';
export { sigmoid, sigmoidBackward, tanh, tanhBackward } from './activation';
export { adam, adamTensor, adamItems, adamTensorItems, adamPending } from './adam';
export { adamRow, adamRowItems, adamRowPending, adagrad, adagradItems, adagradPending, momentum, momentumItems, momentumPending, scaleItems } from './descent';

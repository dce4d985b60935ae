// The SIMD side of the port in ../kernels/kernels.ts, whose comments are the specification; names and argument order are the same.
// The module, which the assembly/ folders of algorithms are part of, owns no memory and keeps no state: every thread instantiates it on memories that others use at the same time.
// Counts and element strides arrive as i32; pointers as usize, to which a JS number ≥ 2³¹ wraps.
export { gemm, transpose } from './matrix';
export { relu, reluBackward, addRows, axpy, sumSquares, dot, squaresAndDotItems, zero } from './vector';
export { adam, adamTensor, adamItems, adamTensorItems, adamOwed } from './adam';
export { adamRow, adamRowItems, adamRowOwed, adagrad, adagradItems, adagradOwed, momentum, momentumItems, momentumOwed, scaleItems } from './descent';

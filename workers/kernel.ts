// A thread of the kernel pool (src/tensor/kernels/kernel-pool.ts). It answers no messages: it computes, or sleeps on shared memory.
import { parentPort, workerData } from 'node:worker_threads';
import type { KernelThreadData } from '../src/tensor/kernels/kernel-pool.js';
import { instantiate, recordLoss, ringOn, serve } from '../src/tensor/kernels/kernel-ring.js';

const { ring: buffer, memories, implementation } = workerData as KernelThreadData;
const ring = ringOn(buffer);
process.on('exit', () => recordLoss(ring));
const kernels = memories.map((memory) => instantiate(implementation, memory));
parentPort!.postMessage('ready');
serve(ring, kernels);

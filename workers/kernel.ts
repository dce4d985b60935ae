// A thread of the kernel pool (src/tensor/kernels/kernel-pool.ts). It answers no messages: it computes, or sleeps on shared memory.
import { parentPort, workerData } from 'node:worker_threads';
import { allReferences } from '../src/algorithms/kernels.js';
import { modelReferences } from '../src/models/kernels.js';
import { instantiate, recordLoss, ringOn, serve } from '../src/tensor/kernels/kernel-ring.js';
import type { KernelThreadData } from '../src/tensor/kernels/kernel-threads.js';

const { ring: buffer, names, memories, implementation } = workerData as KernelThreadData;
const ring = ringOn(buffer, names);
process.on('exit', () => recordLoss(ring));
const references = (memory: WebAssembly.Memory) => ({ ...allReferences(memory), ...modelReferences(memory) });
const kernels = memories.map((memory) => instantiate(implementation, memory, references));
parentPort!.postMessage('ready');
serve(ring, kernels);

// A second thread that does its half when the first one does (partner.ts). The shared words: [turn, turns done].
import { parentPort, workerData } from 'node:worker_threads';
import { COPIES } from './floors/copies.js';
import { createPeak } from './floors/peak.js';
import type { PartnerData } from './partner.js';

const { control, job } = workerData as PartnerData;
const peak = createPeak();
const work = job.kind === 'copy' ? () => COPIES[job.method](job.from, job.to) : () => void peak();
parentPort!.postMessage('ready');
for (let turn = 0; ; turn++) {
  Atomics.wait(control, 0, turn);
  work();
  Atomics.store(control, 1, turn + 1);
}

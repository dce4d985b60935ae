import { Worker } from 'node:worker_threads';
import type { CopyMethod } from './floors/copies.js';

/** What two threads can do on this machine at the moment, without metafleet's own pool: the yardstick for what that pool gains. */
export type PartnerData = { readonly control: Int32Array<SharedArrayBuffer>; readonly job: PartnerJob };

type Floats = Float32Array<SharedArrayBuffer>;
export type PartnerJob =
  | { readonly kind: 'copy'; readonly method: CopyMethod; readonly from: Floats; readonly to: Floats }
  | { readonly kind: 'peak' };

export type Partner = {
  /** Runs `own` here while the partner does its job there; returns when both are done. */
  together(own: () => void): void;
  close(): Promise<unknown>;
};

export const startPartner = async (job: PartnerJob): Promise<Partner> => {
  const control = new Int32Array(new SharedArrayBuffer(8));
  const workerData: PartnerData = { control, job };
  const worker = new Worker(new URL('./partner-thread.js', import.meta.url), { workerData });
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  return {
    together: (own) => {
      const turn = Atomics.add(control, 0, 1) + 1;
      Atomics.notify(control, 0);
      own();
      while (Atomics.load(control, 1) < turn);
    },
    close: () => worker.terminate(),
  };
};

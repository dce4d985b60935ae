import type { Contender } from '../measure.js';
import { type Partner, startPartner } from '../partner.js';
import { COPIES, COPY_METHODS, type CopyMethod } from './copies.js';

/**
 * The machine's copy bandwidth: arrays larger than any cache, read once and written once, 8 bytes of traffic an element as STREAM counts
 * it. Which way is fastest differs by machine, so several are tried and the best counts. 128 MiB each.
 */
const ELEMENTS = 1 << 25;
export const COPY_BYTES = 2 * 4 * ELEMENTS;

export type Copiers = { readonly contenders: Readonly<Record<string, Contender>>; close(): Promise<void> };

/** One contender for each method, named `copy <method>`, each moving COPY_BYTES on 1 or 2 threads. */
export const createCopiers = async (threads: 1 | 2): Promise<Copiers> => {
  const from = new Float32Array(new SharedArrayBuffer(4 * ELEMENTS)).fill(1);
  const to = new Float32Array(new SharedArrayBuffer(4 * ELEMENTS)).fill(2);
  const partners: Partner[] = [];
  const contender = async (method: CopyMethod): Promise<Contender> => {
    const copy = COPIES[method];
    if (threads === 1) return () => copy(from, to);
    const half = ELEMENTS / 2;
    const partner = await startPartner({ kind: 'copy', method, from: from.subarray(half), to: to.subarray(half) });
    partners.push(partner);
    return () => partner.together(() => copy(from.subarray(0, half), to.subarray(0, half)));
  };
  const entries: [string, Contender][] = [];
  for (const method of COPY_METHODS) entries.push([`copy ${method}`, await contender(method)]);
  return {
    contenders: Object.fromEntries(entries),
    close: async () => void (await Promise.all(partners.map((partner) => partner.close()))),
  };
};

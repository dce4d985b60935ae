import type { ClientUpdate } from '../../algorithms/port/server.js';
import { median } from '../../base/median.js';
import { normOf } from '../../base/norm.js';
import type { DefenceSettings } from '../settings.js';
import type { ClientTask } from './client-task.js';
import type { Rejection } from './devices.js';

/** Norms per rating of the updates accepted last, oldest first: what is usual. Plain data, for the checkpoint. */
export type Norms = readonly number[];
export const MOST_NORMS = 256;

/** ‖update‖₂ / count: updates are sums over a batch, and large batches are no attack. */
const normPerRecord = ({ tensors, count }: ClientUpdate): number => normOf(tensors) / count;

export type UpdateTask = ClientTask & { readonly outcome: Extract<ClientTask['outcome'], { kind: 'update' }> };

export type Judged = { readonly accepted: readonly UpdateTask[]; readonly rejected: readonly Rejection[]; readonly norms: Norms };

/**
 * Rejects updates that are too old, or too long to be honest. Too long is beyond a multiple of the median over what was accepted
 * lately and what is offered now. The median stands from the first round on, as long as fewer than half of the devices attack. This is the norm bound of
 * Sun et al., "Can you really backdoor federated learning?", 2019, with the median as its scale.
 */
export const judgeNorms = (
  { normMultiple, mostNorm }: DefenceSettings,
  maxStaleness: number,
  round: number,
  offered: readonly UpdateTask[],
  norms: Norms,
): Judged => {
  const isBounded = normMultiple > 0 || mostNorm > 0;
  const found = offered.map(({ outcome }) => (isBounded ? normPerRecord(outcome.update) : 0));
  const unusual = normMultiple > 0 ? normMultiple * median([...norms, ...found]) : Number.POSITIVE_INFINITY;
  const bound = Math.min(unusual, mostNorm > 0 ? mostNorm : Number.POSITIVE_INFINITY);
  const accepted: UpdateTask[] = [];
  const rejected: Rejection[] = [];
  const kept: number[] = [];
  offered.forEach((task, index) => {
    const { device, round: asked } = task;
    const norm = found[index]!;
    const place = `update of device ${device}`;
    if (round - asked > maxStaleness) {
      const text = `${place}: expected a model at most ${maxStaleness} steps old, found ${round - asked}`;
      rejected.push({ device, cause: 'stale', text });
    } else if (norm > bound) {
      rejected.push({ device, cause: 'norm', text: `${place}: expected a norm per rating of at most ${bound}, found ${norm}` });
    } else {
      accepted.push(task);
      if (normMultiple > 0) kept.push(norm);
    }
  });
  return { accepted, rejected, norms: kept.length === 0 ? norms : [...norms, ...kept].slice(-MOST_NORMS) };
};

// A thread that gives one target its share of the inputs. It writes down where the main thread can see whether it still moves, and on what.
import { parentPort, workerData } from 'node:worker_threads';
import { random } from '../../src/base/random.js';
import { ACCEPTED, BEGUN, DONE, type Finding, IN_HAND, type Reply, type Share, type Shared } from './share.js';
import type { Targets } from './target.js';

const MEGABYTE = 1e6;
/** An input is some kilobytes: a process that grew by this much was made to allocate. */
const MOST_GROWTH = 600 * MEGABYTE;
const MOST_FINDINGS = 20;

const { share, shared } = workerData as { readonly share: Share; readonly shared: Shared };
const { target: name, seed, first, count } = share;
const { TARGETS } = (await import(share.module)) as { readonly TARGETS: Targets };
const target = await TARGETS[name]!();
Atomics.store(shared.counts, BEGUN, 1);

let found = 0;
const reply = (message: Reply): void => parentPort!.postMessage(message);
const report = (finding: Omit<Finding, 'target'>): void => {
  found += 1;
  reply({ target: name, ...finding });
};
const takeInHand = (input: Uint8Array): void => {
  const fits = input.length <= shared.input.length;
  if (fits) shared.input.set(input);
  Atomics.store(shared.counts, IN_HAND, fits ? input.length : 0);
};

const before = process.memoryUsage.rss();
let peak = before;
for (let index = first; index < first + count && found < MOST_FINDINGS; index++) {
  Atomics.store(shared.counts, IN_HAND, 0);
  const input = target.make(random(seed, name, index));
  takeInHand(input);
  try {
    if (await target.check(input)) Atomics.add(shared.counts, ACCEPTED, 1);
  } catch (error) {
    report({ index, message: error instanceof Error ? (error.stack ?? error.message) : String(error), input });
  }
  Atomics.store(shared.counts, DONE, index + 1 - first);
  if (index % 1000 === 0) peak = Math.max(peak, process.memoryUsage.rss());
}
if (peak - before > MOST_GROWTH) {
  report({ index: -1, message: `memory grew by ${Math.round((peak - before) / MEGABYTE)} MB`, input: new Uint8Array(0) });
}
await target.close?.();
reply('end');

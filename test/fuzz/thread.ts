// A thread that gives one target its share of the inputs. It counts where the main thread can see whether it still moves.
import { parentPort, workerData } from 'node:worker_threads';
import { random } from '../../src/base/random.js';
import { type Finding, type Share, TARGETS } from './targets.js';

const MEGABYTE = 1e6;
/** An input is some kilobytes: a process that grew by this much was made to allocate. */
const MOST_GROWTH = 600 * MEGABYTE;
const MOST_FINDINGS = 20;

const { target: name, seed, first, count, progress } = workerData as Share;
const target = await TARGETS[name]!();
const findings: Finding[] = [];
const before = process.memoryUsage.rss();
let peak = before;
for (let index = first; index < first + count && findings.length < MOST_FINDINGS; index++) {
  const input = target.make(random(seed, name, index));
  try {
    await target.check(input);
  } catch (error) {
    findings.push({ target: name, index, message: error instanceof Error ? (error.stack ?? error.message) : String(error), input });
  }
  Atomics.store(progress, 0, index + 1 - first);
  if (index % 1000 === 0) peak = Math.max(peak, process.memoryUsage.rss());
}
if (peak - before > MOST_GROWTH) {
  findings.push({
    target: name,
    index: -1,
    message: `memory grew by ${Math.round((peak - before) / MEGABYTE)} MB`,
    input: new Uint8Array(0),
  });
}
await target.close?.();
parentPort!.postMessage(findings);

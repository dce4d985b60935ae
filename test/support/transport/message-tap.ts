import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MessagePort } from 'node:worker_threads';
import { onTestFinished, vi } from 'vitest';
import type { Dataset, Part } from '../../../src/data/dataset.js';
import { hostEntry } from './host-entry.js';
import { temporaryFolder } from './small-run.js';

/** All a message consists of that could hold a rating. Of a view, the whole buffer: that is what is cloned or handed over. */
export type Leaf = Uint8Array | number | string;

/** No imports and no outer names: the text of this function also runs in the host threads. */
export const leavesOf = (message: unknown): Leaf[] => {
  const seen = new Set<unknown>();
  const leaves: Leaf[] = [];
  const walk = (value: unknown): void => {
    if (typeof value === 'number' || typeof value === 'string') leaves.push(value);
    else if (typeof value === 'bigint') leaves.push(String(value));
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    if (ArrayBuffer.isView(value)) walk(value.buffer);
    else if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) leaves.push(new Uint8Array(value.slice(0)));
    else if (value instanceof Map) {
      for (const entry of value) walk(entry);
    } else if (value instanceof Set) {
      for (const member of value) walk(member);
    } else {
      if (value instanceof Error) walk([value.message, value.stack, value.cause]);
      for (const key of Reflect.ownKeys(value)) {
        walk(typeof key === 'string' ? key : undefined);
        walk((value as Record<PropertyKey, unknown>)[key]);
      }
    }
  };
  walk(message);
  return leaves;
};

/** A message at a host thread: its leaves, and for frames the direction. */
export type Tapped = { readonly host: number; readonly way: 'in' | 'out'; readonly port: string; readonly leaves: readonly Leaf[] };

type Line = { host: number; way: 'in' | 'out'; port: string; leaves: (number | string | { base64: string })[] };

/** A genuine host that records all its messages, in and out, on any port of its thread. `leak` (JavaScript) may add to what it does. */
export const tappedHosts = async (leak = ''): Promise<{ readonly entry: string; readonly read: () => Tapped[] }> => {
  const folder = await temporaryFolder();
  const entry = await hostEntry(`
import { BroadcastChannel, parentPort, threadId } from 'node:worker_threads';
const leavesOf = ${leavesOf.toString()};
const file = ${JSON.stringify(folder)} + '/' + threadId + '.ndjson';
const names = new Map();
let host = -1;
const record = (way, port, message) => {
  const leaves = leavesOf(message).map((leaf) => (leaf instanceof Uint8Array ? { base64: Buffer.from(leaf).toString('base64') } : leaf));
  appendFileSync(file, JSON.stringify({ host, way, port, leaves }) + '\\n');
};
for (const { prototype } of [MessagePort, BroadcastChannel]) {
  const post = prototype.postMessage;
  prototype.postMessage = function (message, ...rest) {
    record('out', names.get(this) ?? 'another', message);
    return post.call(this, message, ...rest);
  };
}
export const serveHost = (task) => {
  host = task.host;
  for (const name of ['control', 'traffic']) {
    names.set(task[name], name);
    task[name].on('message', (message) => record('in', name, message));
  }
  ${leak}
  return genuine(task);
};
`);
  const read = (): Tapped[] =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.ndjson'))
      .flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split('\n'))
      .map((text) => {
        const line = JSON.parse(text) as Line;
        const leaves = line.leaves.map((leaf) => (typeof leaf === 'object' ? Buffer.from(leaf.base64, 'base64') : leaf));
        return { ...line, leaves };
      });
  return { entry, read };
};

/** Everything this thread posts on any port until the test ends, its messages to workers included. */
export const tapThisThread = (): readonly Leaf[][] => {
  const posted: Leaf[][] = [];
  const post = MessagePort.prototype.postMessage;
  const spy = vi.spyOn(MessagePort.prototype, 'postMessage').mockImplementation(function (this: MessagePort, message, transfer) {
    posted.push(leavesOf(message));
    post.call(this, message, transfer);
  });
  onTestFinished(() => spy.mockRestore());
  return posted;
};

/** 12 devices, 16 items; each rating is a number that is nowhere else: `salt` makes other ratings of the same items. */
export const sentinelData = (salt: number): Dataset => {
  const users = 12;
  const items = 16;
  let drawn = salt;
  const part = (perUser: number, first: number) => {
    const count = users * perUser;
    return {
      offsets: Uint32Array.from({ length: users + 1 }, (_, user) => user * perUser) as Uint32Array<never>,
      items: Uint32Array.from(
        { length: count },
        (_, at) => (Math.floor(at / perUser) + first + (at % perUser)) % items,
      ) as Uint32Array<never>,
      values: Float32Array.from({ length: count }, () => 1 + 4 * ((++drawn * 0.6180339887498949) % 1)) as Float32Array<never>,
    };
  };
  const parts = { train: part(4, 0), valid: part(2, 5), test: part(1, 9) };
  return { name: 'sentinels', users, items, scale: { lowest: 1, highest: 5, step: 0 }, feedback: 'explicit', parts };
};

export const ratingsOf = ({ parts }: Dataset, part: Part): readonly number[] => [...parts[part].values];
export const allRatings = (dataset: Dataset): readonly number[] =>
  (['train', 'valid', 'test'] as const).flatMap((part) => ratingsOf(dataset, part));

/** A rating as bytes: float32 and float64, either way round, and as text. */
const patternsOf = (rating: number): readonly Buffer[] => {
  const [single, double] = [Buffer.alloc(4), Buffer.alloc(8)];
  single.writeFloatLE(rating);
  double.writeDoubleLE(rating);
  return [single, Buffer.from(single).reverse(), double, Buffer.from(double).reverse(), Buffer.from(rating.toFixed(4).slice(0, -1))];
};

/** The ratings that occur in the leaves, at any byte, in any of the forms above. */
export const ratingsFound = (leaves: readonly Leaf[], ratings: readonly number[]): number[] => {
  const bytes = leaves.filter((leaf) => typeof leaf !== 'number').map((leaf) => Buffer.from(leaf as Uint8Array | string));
  const numbers = new Set(leaves.filter((leaf) => typeof leaf === 'number').map(Math.fround));
  return ratings.filter((rating) => {
    if (numbers.has(Math.fround(rating))) return true;
    return patternsOf(rating).some((pattern) => bytes.some((buffer) => buffer.includes(pattern)));
  });
};

import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { processorTime } from '../../src/base/clock.js';

/** What a thread is given: inputs first … first + count − 1 of a target, each a function of (seed, target, index). */
export type Share = {
  /** A module that exports TARGETS, as the thread imports it. */
  readonly module: string;
  readonly target: string;
  readonly seed: number;
  readonly first: number;
  readonly count: number;
};

export type Finding = { readonly target: string; readonly index: number; readonly message: string; readonly input: Uint8Array };

/** What both threads see: inputs done, and the one in hand, so that it is kept even where the thread never answers again. */
export type Shared = {
  /** Inputs done; bytes of the input in hand; inputs accepted; 1 once the target is there. An input longer than `input` counts 0 bytes. */
  readonly counts: Int32Array<SharedArrayBuffer>;
  readonly input: Uint8Array<SharedArrayBuffer>;
};
export const DONE = 0;
export const IN_HAND = 1;
export const ACCEPTED = 2;
export const BEGUN = 3;
const MOST_IN_HAND = 1 << 20;
/** A tenth is what the targets need: a thread that gets there was made to allocate, and dies of it. */
const MOST_HEAP_MEGABYTES = 1000;

/** A thread sends its findings one by one, then that it is at the end. */
export type Reply = Finding | 'end';

/** A thread imports its target before its first input: it may take so many times as long as one input. */
const START_SHARE = 20;

export type Patience = {
  /** One input takes a millisecond at most: a thread that computes for so long on one hangs. */
  readonly cpuSeconds: number;
  /** One that waits for what does not come computes nothing; on a machine with much else to do, neither does one that is well. */
  readonly looks: number;
  readonly lookMillis: number;
};
const PATIENCE: Patience = { cpuSeconds: 60, looks: 600, lookMillis: 1000 };

/** Of this process: its other threads have nothing to do. */
const cpuSeconds = (): number => processorTime() / 1000;

export type Outcome = { readonly done: number; readonly accepted: number; readonly findings: readonly Finding[] };

/** Findings of one thread. One that hangs is ended, and the input it hangs on is a finding; so is the one on which a thread dies. */
export const runShare = (share: Share, patience = PATIENCE): Promise<Outcome> =>
  new Promise((resolve) => {
    const shared: Shared = {
      counts: new Int32Array(new SharedArrayBuffer(16)),
      input: new Uint8Array(new SharedArrayBuffer(MOST_IN_HAND)),
    };
    const findings: Finding[] = [];
    const doneNow = (): number => Atomics.load(shared.counts, DONE);
    const inHand = (message: string): Finding => {
      const input = shared.input.slice(0, Atomics.load(shared.counts, IN_HAND));
      return { target: share.target, index: share.first + doneNow(), message, input };
    };
    const thread = new Worker(createRequire(import.meta.url).resolve('#built/test/fuzz/thread.js'), {
      workerData: { share, shared },
      resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MEGABYTES },
    });
    let isOver = false;
    let last = { begun: 0, done: -1, looks: 0, cpu: cpuSeconds() };
    const watch = setInterval(() => {
      const [done, begun] = [doneNow(), Atomics.load(shared.counts, BEGUN)];
      if (done !== last.done || begun !== last.begun) last = { begun, done, looks: 0, cpu: cpuSeconds() };
      last.looks += 1;
      const times = begun === 1 ? 1 : START_SHARE;
      if (last.looks <= times * patience.looks && cpuSeconds() - last.cpu <= times * patience.cpuSeconds) return;
      end(inHand('no end'));
      void thread.terminate();
    }, patience.lookMillis);
    const end = (finding?: Finding): void => {
      if (isOver) return;
      isOver = true;
      clearInterval(watch);
      if (finding !== undefined) findings.push(finding);
    };
    thread.on('message', (reply: Reply) => {
      if (reply === 'end') end();
      else findings.push(reply);
    });
    thread.on('error', (error) => end(inHand(error.stack ?? error.message)));
    thread.on('exit', () => {
      end(inHand('the thread ended without an answer'));
      resolve({ done: doneNow(), accepted: Atomics.load(shared.counts, ACCEPTED), findings });
    });
  });

import { median } from '../../../src/base/median.js';
import { ADAM_BYTES, createGenerator, flopOf, PAPER, poolFor, STREAM_BYTES } from '../kernels/generator.js';
import type { Contender, Timing } from '../measure.js';
import { medianOf } from '../measure.js';
import { COPY_BYTES, createCopiers } from './bandwidth.js';
import { COPY_METHODS } from './copies.js';

/**
 * What a round cannot be faster than: (generation FLOPs ÷ kernel peak) + (24 B × parameters ÷ memory bandwidth). Both rates are measured
 * among the rounds that are compared with them. They are the rate of the kernel alone, and of the fastest way to move memory.
 */
export type Floor = {
  readonly contenders: Readonly<Record<string, Contender>>;
  close(): Promise<void>;
};

const CALLS = 3;
const GENERATE = 'floor: generation';
const STREAM = 'floor: update in place';

export const createFloor = async (threads: 1 | 2): Promise<Floor> => {
  const generator = createGenerator(PAPER);
  const pool = await poolFor(generator, threads);
  const copiers = await createCopiers(threads);
  return {
    contenders: {
      [GENERATE]: medianOf(CALLS, () => pool.run(generator.generate)),
      [STREAM]: medianOf(CALLS, () => pool.run(generator.stream)),
      ...copiers.contenders,
    },
    close: async () => void (await Promise.all([pool.close(), copiers.close()])),
  };
};

export type FloorRates = { readonly gflops: number; readonly gigabytes: number };

/**
 * A floor must not rise because two threads had to share a processor. So generation counts at the better of two rates: what the threads
 * did by the clock, and so many times what one core computed.
 */
export const floorRates = (timings: Readonly<Record<string, Timing>>, threads: number): FloorRates => {
  const time = (name: string): number => median(timings[name]!.millis);
  const generation = Math.min(time(GENERATE), median(timings[GENERATE]!.cpu) / (CALLS * threads));
  const parameters = PAPER.items * PAPER.rank * PAPER.hidden;
  const streams = [(parameters * STREAM_BYTES) / time(STREAM), ...COPY_METHODS.map((method) => COPY_BYTES / time(`copy ${method}`))];
  return { gflops: flopOf(PAPER) / generation / 1e6, gigabytes: Math.max(...streams) / 1e6 };
};

export type RoundSize = {
  readonly cohort: number;
  readonly items: number;
  readonly hidden: number;
  readonly rank: number;
  readonly parameters: number;
};

/** Milliseconds. */
export const floorOf = ({ gflops, gigabytes }: FloorRates, { cohort, items, hidden, rank, parameters }: RoundSize) => {
  const generate = flopOf({ users: cohort, items, hidden, rank }) / gflops / 1e6;
  const step = (parameters * ADAM_BYTES.without) / gigabytes / 1e6;
  return { generate, step, total: generate + step };
};

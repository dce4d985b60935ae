import { processorTime } from '../../src/base/clock.js';
import type { Random } from '../../src/base/random.js';
import type { Target, Targets } from './target.js';

/**
 * Targets that never come to an end, for the tests of the watch that ends such targets. Each input is a number, `BAD` the one that is too much.
 */
export const BAD = 3;

const numbered = (check: (number: number) => unknown, make = (number: number) => Uint8Array.of(number, 7)) => {
  let number = 0;
  return async (): Promise<Target> => ({ make: (_: Random) => make(number++), check: async ([first]) => (await check(first!)) !== false });
};

const forEver = (): never => {
  for (;;);
};

/** Processor time: on a machine with much else to do, as much as on a quiet one. */
const compute = (millis: number): void => {
  const start = processorTime();
  while (processorTime() - start < millis);
};

export const TARGETS: Targets = {
  'computes for ever': numbered((number) => (number === BAD ? forEver() : undefined)),
  'computes for ever after a finding': numbered((number) => {
    if (number === BAD) forEver();
    if (number === BAD - 1) throw new Error('wrong');
  }),
  'makes for ever': numbered(
    () => {},
    (number) => (number === BAD ? forEver() : Uint8Array.of(number)),
  ),
  'waits for ever': numbered((number) => (number === BAD ? new Promise<void>(() => setInterval(() => {}, 1000)) : undefined)),
  'lets the thread end': numbered((number) => (number === BAD ? new Promise<void>(() => {}) : undefined)),
  'allocates for ever': numbered((number) => {
    for (const kept: number[][] = []; number === BAD; ) kept.push(Array<number>(100_000).fill(number));
  }),
  /** Every other input is refused. */
  'takes long for each': numbered((number) => {
    compute(100);
    return number % 2 === 0;
  }),
};

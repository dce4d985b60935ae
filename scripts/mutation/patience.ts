// A set-up file of the tests of mutants: a test that waits for what never comes has failed.
import { aroundAll, aroundEach } from 'vitest';

const LOOK_MILLIS = 1000;
const MOST_LOOKS = { test: 20, file: 120 };

/**
 * Rejects after so many looks. They are counted, not the time between them: a process that was stopped for a while, or that computes,
 * does not look. What never ends while it computes, Stryker ends by its bound on loops.
 */
const unlessOver = async (work: () => Promise<void>, most: number): Promise<void> => {
  let looks = 0;
  let watch: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    watch = setInterval(() => {
      looks += 1;
      if (looks > most) reject(new Error('no end'));
    }, LOOK_MILLIS);
  });
  try {
    await Promise.race([work(), over]);
  } finally {
    clearInterval(watch);
  }
};

aroundEach((runTest) => unlessOver(runTest, MOST_LOOKS.test));
aroundAll((runSuite) => unlessOver(runSuite, MOST_LOOKS.file));

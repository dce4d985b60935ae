import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runShare } from './share.js';
import { BAD, TARGETS } from './stubborn.js';

const module = pathToFileURL(createRequire(import.meta.url).resolve('#built/test/fuzz/stubborn.js')).href;

/** Processor time, or looks at what stands still: neither passes sooner on a machine with much else to do. */
const PATIENCE = { cpuSeconds: 1.5, looks: 72_000, lookMillis: 50 };

const run = async (target: string, patience = PATIENCE) => {
  expect(Object.keys(TARGETS)).toContain(target);
  const { done, accepted, findings } = await runShare({ module, target, seed: 1, first: 100, count: 20 }, patience);
  return {
    done,
    accepted,
    findings: findings.map(({ index, message, input }) => ({ index, message: message.split('\n')[0], input: [...input] })),
  };
};

describe('a share of the fuzzing', () => {
  it('is ended where an input computes for ever, and the input is kept', async () => {
    // So many looks would take an hour: it is the processor time that tells.
    const found = await run('computes for ever');
    expect(found).toEqual({ done: BAD, accepted: BAD, findings: [{ index: 100 + BAD, message: 'no end', input: [BAD, 7] }] });
  });

  it('is ended where an input waits for what never comes, and the input is kept', async () => {
    const found = await run('waits for ever', { ...PATIENCE, looks: 60 });
    expect(found).toEqual({ done: BAD, accepted: BAD, findings: [{ index: 100 + BAD, message: 'no end', input: [BAD, 7] }] });
  });

  it('keeps what it found before it was ended', async () => {
    const { accepted, findings } = await run('computes for ever after a finding');
    expect(accepted).toBe(BAD - 1);
    expect(findings.map(({ index, message }) => [index, message])).toEqual([
      [100 + BAD - 1, 'Error: wrong'],
      [100 + BAD, 'no end'],
    ]);
  });

  it('is ended where an input is never made: there is none to keep', async () => {
    expect(await run('makes for ever')).toEqual({
      done: BAD,
      accepted: BAD,
      findings: [{ index: 100 + BAD, message: 'no end', input: [] }],
    });
  });

  it('keeps the input on which its thread ends, or dies of memory', async () => {
    const ended = await run('lets the thread end');
    expect(ended).toEqual({
      ...{ done: BAD, accepted: BAD },
      findings: [{ index: 100 + BAD, message: 'the thread ended without an answer', input: [BAD, 7] }],
    });
    const { done, findings } = await run('allocates for ever', { ...PATIENCE, cpuSeconds: 600 });
    expect([done, findings.length, findings[0]?.input]).toEqual([BAD, 1, [BAD, 7]]);
    expect(findings[0]!.message).toMatch(/memory limit/);
  });

  it('goes on to its end however long all inputs take together', async () => {
    expect(await run('takes long for each')).toEqual({ done: 20, accepted: 10, findings: [] });
  });
});

import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { addressSpaceAdvice, addressSpaceLimit } from '../../../src/tensor/memory/address-space.js';
import { capacityFor, MAX_MEMORY_BYTES } from '../../../src/tensor/memory/arena.js';
import { folderOf } from '../../support/data/data-files.js';

const PROGRAM = `
const { loadDataset, resolveConfig, presetSource, flagSource, startRun } = await import(process.argv[2]);
const config = resolveConfig(presetSource('default'), flagSource({ cohort: '5', epochs: '1', threads: '2' }));
const dataset = await loadDataset('synthetic:users=20,items=30', { split: 'auto', seed: 1 });
const end = (result) => process.stdout.write(JSON.stringify(result), () => process.exit(0));
try {
  const run = await startRun({ config, dataset, onEvent: () => {} });
  const { digest } = await run.finished;
  end({ digest });
} catch (error) {
  end({ code: error.code, message: error.message });
}
`;

/** A run of twenty devices in a process that may map so many gigabytes. 0: as many as it likes. */
const runWithin = async (gigabytes: number, ...flags: string[]): Promise<Record<string, string>> => {
  const limit = gigabytes === 0 ? 'unlimited' : String(gigabytes * 1e6);
  const command = `ulimit -v ${limit}; exec "$@"`;
  const folder = await folderOf({ 'run.mjs': PROGRAM });
  const program = [join(folder, 'run.mjs'), createRequire(import.meta.url).resolve('#built/src/index.js')];
  const { stdout } = await promisify(execFile)('bash', ['-c', command, 'bash', process.execPath, ...flags, ...program], { cwd: folder });
  return JSON.parse(stdout) as Record<string, string>;
};

describe.skipIf(process.platform !== 'linux')('a run under a limit of address space', () => {
  it('maps little for few devices, and ends in the same digest', async () => {
    const free = await runWithin(0);
    expect(free['digest']).toMatch(/^[0-9a-f]{64}$/);
    expect(await runWithin(45)).toEqual(free);
    expect(await runWithin(10, '--disable-wasm-trap-handler')).toEqual(free);
  });

  it('fails in one line that says what to do, and with the code of a missing capability', async () => {
    for (const gigabytes of [5, 15, 28]) {
      const { code, message } = await runWithin(gigabytes);
      expect(code).toBe('CAPABILITY');
      expect(message).toMatch(
        /cannot reserve .* \(ulimit -v\): lift it, set NODE_OPTIONS=--disable-wasm-trap-handler, or use fewer threads$/,
      );
      expect(message).not.toContain('\n');
    }
  });
});

describe('the limit of address space', () => {
  it('is read from the process, and is none where there is none to read', () => {
    const limits = (value: string) => () =>
      `Limit  Soft Limit\nMax address space         ${value}      ${value}   bytes\nMax file locks  1\n`;
    expect(addressSpaceLimit(limits('30720000000'))).toBe(30_720_000_000);
    expect(addressSpaceLimit(limits('unlimited'))).toBeUndefined();
    expect(
      addressSpaceLimit(() => {
        throw new Error('no such file');
      }),
    ).toBeUndefined();
    expect(addressSpaceAdvice(undefined)).toBe('');
  });

  it('bounds a memory by what is needed, and without a limit nothing does', () => {
    expect(capacityFor(0, undefined)).toBe(MAX_MEMORY_BYTES);
    expect(capacityFor(2 ** 20, 1e10)).toBe(2 ** 28 + 2 ** 22);
    expect(capacityFor(2 ** 31, 1e10)).toBe(MAX_MEMORY_BYTES);
  });
});

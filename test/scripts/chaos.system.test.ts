import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { planFaults } from '../../scripts/chaos/faults.js';
import { SCENARIO_NAMES } from '../../scripts/chaos/world.js';
import { temporaryFolder } from '../support/transport/small-run.js';

const CALLS = Object.fromEntries(SCENARIO_NAMES.map((name) => [name, ['openSync', 'writeSync', 'fsyncSync', 'renameSync']]));

describe('chaos', () => {
  it('plans at least as many faults as asked for, of every kind and in every scenario, the same for the same seed', () => {
    const faults = planFaults(1, 200, CALLS);
    expect(faults.length).toBeGreaterThanOrEqual(200);
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(['host', 'coordinator', 'process', 'process-writing', 'file']));
    expect(new Set(faults.map(({ scenario }) => scenario))).toEqual(new Set(SCENARIO_NAMES));
    for (const fault of faults) if (fault.kind === 'process-writing' && fault.torn) expect(fault.call).toBe(2);
    expect(planFaults(1, 200, CALLS)).toEqual(faults);
    expect(planFaults(2, 200, CALLS)).not.toEqual(faults);
  });

  it('cannot come from the clock: one that jumps by months, both ways, leaves the digest as it was', async () => {
    const folder = await temporaryFolder();
    const jumping = join(folder, 'jumping.mjs');
    await writeFile(jumping, 'const now = Date.now; let asked = 0; Date.now = () => now() + (asked++ % 3 - 1) * 1e10;');
    const child = resolve(import.meta.dirname, '../../dist/scripts/chaos/child.js');
    const digestOf = async (name: string, ...flags: string[]): Promise<string | undefined> => {
      const { stdout } = await promisify(execFile)(process.execPath, [...flags, child, SCENARIO_NAMES[0]!, join(folder, name)]);
      return /^digest (\w+)$/m.exec(stdout)?.[1];
    };
    const [steady, jumped] = [await digestOf('steady'), await digestOf('jumped', '--import', pathToFileURL(jumping).href)];
    expect(steady).toMatch(/^[0-9a-f]{64}$/);
    expect(jumped).toBe(steady);
  });

  it('leaves the undisturbed digest, whatever is killed or damaged', async () => {
    const script = resolve(import.meta.dirname, '../../dist/scripts/chaos/main.js');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, '--points', '1', '--seed', '3']);
    // A line each minute says how far it is.
    expect(stderr.replace(/^point \d+ of 15; ends in \d+ minutes\n/gm, '')).toBe('');
    const [, same, other, error, hangs, late] = /^all +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$/m.exec(stdout)!.map(Number);
    expect({ other, error, hangs }).toEqual({ other: 0, error: 0, hangs: 0 });
    expect(same).toBeGreaterThanOrEqual(9);
    expect(same! + late!).toBe(15);
  });
});

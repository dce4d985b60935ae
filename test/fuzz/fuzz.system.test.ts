import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { random } from '../../src/base/random.js';
import { TARGETS } from './targets.js';

const CASES = join(import.meta.dirname, 'cases');

describe('input that nobody vouches for', () => {
  it('is taken or refused in one line: 20,000 of all kinds', async () => {
    const script = resolve(import.meta.dirname, '../../dist/test/fuzz/main.js');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, '--runs', '20000', '--seed', '5']);
    expect(stderr).toBe('');
    expect([...stdout.matchAll(/^(\w+) +\d+ inputs, +[1-9]\d* accepted, 0 findings/gm)].map(([, name]) => name)).toEqual(
      Object.keys(TARGETS),
    );
  });

  for (const file of readdirSync(CASES)) {
    it(`as it was once found is no longer a defect: ${file}`, async () => {
      const target = await TARGETS[file.split('-')[0]!]!();
      await target.check(readFileSync(join(CASES, file)));
      await target.close?.();
    });
  }

  for (const name of Object.keys(TARGETS)) {
    it(`of the kind ${name} is another each time, and the same for the same seed`, async () => {
      const target = await TARGETS[name]!();
      const drawn = (seed: number) =>
        Array.from({ length: 50 }, (_, index) => Buffer.from(target.make(random(seed, name, index))).toString('hex'));
      expect(new Set(drawn(1)).size).toBeGreaterThan(40);
      expect(drawn(1)).toEqual(drawn(1));
      expect(drawn(2)).not.toEqual(drawn(1));
      await target.close?.();
    });
  }
});

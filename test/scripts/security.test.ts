import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(join(root, name), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

/** Rows of the threat model's table: who, what they could send, what stops it, what shows it. */
const threats = read('SECURITY.md')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(2)
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, who = '', what = '', stops = '', shown = '']) => ({ threat: `${who}: ${what}`, stops, shown }));

const namesIn = (text: string): readonly string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

describe('the threat model', () => {
  it('covers devices, hosts, coordinators, files, flags, downloads and the network', () => {
    for (const who of ['device', 'host', 'coordinator', 'results', 'rating file', 'config', 'flags', 'download', 'network'])
      expect(threats.filter(({ threat }) => threat.includes(who)).length, who).toBeGreaterThan(0);
  });

  it.each(threats)('names what stops "$threat" and tests that are there', ({ stops, shown }) => {
    expect(stops).not.toBe('');
    const names = namesIn(shown);
    expect(names.filter((name) => name.endsWith('.test.ts'))).not.toEqual([]);
    for (const name of names) {
      const [, command] = /^npm run (\w+)$/.exec(name) ?? [];
      if (command === undefined) expect(existsSync(join(root, name)), name).toBe(true);
      else expect(Object.keys(scripts)).toContain(command);
    }
  });

  it.each(threats)('names code that is there against "$threat"', ({ stops }) => {
    for (const name of namesIn(stops).filter((text) => text.endsWith('.ts'))) expect(existsSync(join(root, name)), name).toBe(true);
  });
});

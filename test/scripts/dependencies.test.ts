import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const read = (name: string): string => readFileSync(join(import.meta.dirname, '../..', name), 'utf8');
const { dependencies, devDependencies, optionalDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
const versions = { ...dependencies, ...devDependencies, ...optionalDependencies };

describe('dependencies', () => {
  it('are each listed in docs/internals/dependencies.md with a reason, and nothing else is', () => {
    const section = read('docs/internals/dependencies.md');
    const rows = [...section.matchAll(/^\| (`.*?) +\| (.+?) +\|$/gm)].map(([, names = '', reason = '']) => ({ names, reason }));
    for (const { names, reason } of rows) expect(reason.length, names).toBeGreaterThan(5);
    const listed = rows.flatMap(({ names }) => [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
    expect(listed.sort()).toEqual(Object.keys(versions).sort());
  });

  it('are of exact versions', () => {
    for (const [name, version] of Object.entries(versions)) expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { presetSource, refuseIdleSettings, resolveConfig } from '../../../src/runs/config/parse-config.js';
import { candidatesOf, parseSpec, readSpec } from '../../../src/studies/tuning/tune-spec.js';

const FOLDER = join(import.meta.dirname, '../../../scripts/studies/fedavg');
const files = readdirSync(FOLDER);
const specOf = (file: string) => parseSpec(readSpec(readFileSync(join(FOLDER, file), 'utf8'), file), file);

const nested = (settings: Readonly<Record<string, unknown>>): Record<string, unknown> => ({
  fedavg: Object.fromEntries(Object.entries(settings).map(([key, value]) => [key.replace('fedavg.', ''), value])),
});

describe('the searches of the FedAvg family', () => {
  it('have six contenders with equal budgets', () => {
    expect(files).toHaveLength(6);
    const budgets = files.map((file) => {
      const { search, trials, seed, least, factor, most } = specOf(file);
      return { search, trials, seed, least, factor, most };
    });
    for (const budget of budgets) expect(budget).toEqual(budgets[0]);
  });

  it.each(files)('draw configurations without an idle setting: %s', (file) => {
    const spec = specOf(file);
    const place = (path: readonly PropertyKey[]) => path.join('.');
    const candidates = candidatesOf(spec);
    expect(candidates).toHaveLength(10);
    for (const settings of candidates) {
      const sources = [
        { tree: spec.settings, place },
        { tree: nested(settings), place },
      ];
      const config = resolveConfig(presetSource('default'), ...sources);
      expect(config['fedavg']).toMatchObject({ serverAnnealRounds: 1520, serverSchedule: 'cosine' });
      expect(() => refuseIdleSettings([config], sources)).not.toThrow();
    }
  });
});

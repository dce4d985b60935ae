import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { parseScenario } from '../../../src/studies/load/scenario.js';
import { parseSweep } from '../../../src/studies/sweep/sweep-file.js';

const SCRIPTS = resolve(import.meta.dirname, '../../../scripts');
const filesIn = (folder: string) =>
  readdirSync(join(SCRIPTS, folder)).map((name) => ({ name, text: readFileSync(join(SCRIPTS, folder, name), 'utf8') }));

it.each(filesIn('load'))('the shipped scenario $name is valid and says how long it takes', ({ name, text }) => {
  expect(parseScenario(text, name).thresholds.length).toBeGreaterThan(0);
  expect(text).toMatch(/^# Measured on 2 cores: |^# .*Measured on 2 cores: /m);
});

it.each(filesIn('sweeps'))('the shipped sweep $name is valid and says how long it takes', ({ name, text }) => {
  expect(parseSweep(text, name).points.length).toBeGreaterThan(1);
  expect(text).toMatch(/^# Measured on 2 cores: /m);
});

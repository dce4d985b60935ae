import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { vocabularyOf } from '../../src/cli/completion/vocabulary.js';
import { createWholeProgram } from '../../src/cli/program.js';
import { metafleet, SMALL, temporaryFolder } from '../support/cli/command.js';

const count = z.int().min(0);
const text = z.string().min(1);
const metrics = z.record(z.string(), z.number().nullable());

/** What each command answers. Fields that are not named here may be there, too. */
const SHAPES = {
  run: z.object({
    folder: text,
    run: text,
    reason: z.literal('completed'),
    digest: z.string().length(64),
    test: z.object({ best: metrics }),
    devices: count,
  }),
  'run --print-config': z.object({ data: text, seed: count, optimizer: z.object({ rate: z.number() }) }),
  'data list': z.object({
    datasets: z
      .array(z.object({ name: text, users: count.nullable(), items: count.nullable(), ratings: count.nullable(), licence: text }))
      .min(5),
  }),
  'data describe': z.object({
    name: text,
    users: count,
    items: count,
    ratings: count,
    sizes: z.object({ train: count }),
    files: z.array(z.object({})),
  }),
  'data import': z.strictObject({ folder: text, users: count, items: count, ratings: count, seconds: z.number() }),
  'data split': z.strictObject({ users: count, items: count, train: count, valid: count, test: count, files: z.array(text).min(3) }),
  'new algorithm': z.strictObject({ folder: text, files: z.array(text).min(3) }),
  report: z.strictObject({ file: text, runs: z.array(z.strictObject({ name: text, folder: text })), comparison: z.null() }),
} as const;

const SET = 'synthetic:users=24,items=20,ratings=300';

describe('--json', () => {
  it('is a flag of every command that answers, and docs/json.md has each', async () => {
    const nodes = vocabularyOf(await createWholeProgram()).filter(({ commands }) => commands.length === 0);
    const page = readFileSync('docs/json.md', 'utf8');
    for (const { path, flags } of nodes) {
      expect({ path, flags: flags.map(({ name }) => name) }).toEqual({ path, flags: expect.arrayContaining(['--json']) });
      expect(page).toContain(`\`${path.replace(/^paper .*/, 'paper …')}\``);
    }
  });

  it.each<[keyof typeof SHAPES, readonly string[]]>([
    ['run --print-config', ['run', '--print-config']],
    ['data list', ['data', 'list']],
    ['data describe', ['data', 'describe', SET]],
    ['data import', ['data', 'import', SET, '--out', 'columns']],
    ['data split', ['data', 'split', SET, '--out', 'parts']],
    ['new algorithm', ['new', 'algorithm', 'my-own']],
  ])('%s answers with one document of its shape', async (name, words) => {
    const { code, out, err } = await metafleet([...words, '--json'], { cwd: await temporaryFolder() });
    expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
    SHAPES[name].parse(JSON.parse(out));
  });

  it('of a run is its summary, and of its report and devices what they show', async () => {
    const folder = await temporaryFolder();
    const ran = await metafleet(['run', ...SMALL, '--epochs', '1', '--name', 'it', '--recorder.share', '1', '--json'], { cwd: folder });
    expect(ran.code).toBe(0);
    SHAPES.run.parse(JSON.parse(ran.out));
    const [report, device] = await Promise.all([
      metafleet(['report', 'results/it', '--json'], { cwd: folder }),
      metafleet(['device', '0', '--run', 'results/it', '--json'], { cwd: folder }),
    ]);
    SHAPES.report.parse(JSON.parse(report.out));
    const lines = device.out
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    for (const line of lines) z.object({ device: z.literal(0), round: count, steps: z.array(z.object({ step: text })) }).parse(line);
  });

  it('leaves stdout empty for an error', async () => {
    const { code, out, err } = await metafleet(['run', '--cohort', '-1', '--json'], { cwd: await temporaryFolder() });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^metafleet: flag --cohort: /);
  });
});

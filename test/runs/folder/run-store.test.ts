import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { printConfig, resolveConfig } from '../../../src/runs/config/parse-config.js';
import { dataDigest } from '../../../src/runs/folder/data-digest.js';
import { commandOf, findRun } from '../../../src/runs/folder/run-store.js';
import { smallConfig, smallData, temporaryFolder } from '../../support/transport/small-run.js';

const place = (): string => 'test';
const configOf = (tree: Record<string, unknown>) => resolveConfig({ tree, place });

const world = async () => {
  const dataset = await smallData();
  const root = await temporaryFolder();
  const find = (tree: Record<string, unknown> = {}) => findRun(root, smallConfig(tree), dataset, dataDigest(dataset));
  /** What a run leaves in its folder. */
  const leave = (tree: Record<string, unknown>, files: Readonly<Record<string, string>>) => {
    const { folder } = find(tree);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'config.yaml'), printConfig(smallConfig(tree), false));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return folder;
  };
  return { dataset, root, find, leave };
};

describe('the place of a run', () => {
  it('depends on what the result depends on, and on nothing else', async () => {
    const { find } = await world();
    const { name } = find();
    for (const same of [{ threads: 1 }, { results: 'elsewhere' }, { metrics: { enabled: false } }, { checkpoint: { every: 1 } }])
      expect(find(same).name).toBe(name);
    const others = [{ seed: 2 }, { optimizer: { rate: 0.02 } }, { epochs: 4 }, { metamf: { variant: 'si' } }, { dataBudget: 0.5 }];
    expect(new Set([name, ...others.map((tree) => find(tree).name)]).size).toBe(others.length + 1);
  });

  it('depends on the ratings, not on where they came from', async () => {
    const { dataset, root } = await world();
    const config = smallConfig();
    const digest = dataDigest(dataset);
    const { parts } = dataset;
    const values = new Float32Array(new SharedArrayBuffer(parts.train.values.byteLength));
    values.set(parts.train.values);
    values[3]! += 1;
    const changed = dataDigest({ ...dataset, parts: { ...parts, train: { ...parts.train, values } } });
    expect(findRun(root, { ...config, data: 'other/place' }, dataset, digest).name).toBe(findRun(root, config, dataset, digest).name);
    expect(findRun(root, config, dataset, changed).name).not.toBe(findRun(root, config, dataset, digest).name);
  });

  it('tells finished runs from interrupted ones, and clears what can neither be taken nor continued', async () => {
    const { find, leave, root } = await world();
    expect(find().state).toBe('missing');
    leave({}, { 'summary.json': '{"reason":"early-stopped"}', 'best.checkpoint': '' });
    expect(find().state).toBe('finished');
    leave({ seed: 4 }, { 'summary.json': '{"reason":"completed"}', 'last.checkpoint': '' });
    expect(find({ seed: 4, checkpoint: { best: false } }).state).toBe('finished');
    expect(find({ seed: 4, checkpoint: { best: true } }).state).toBe('missing');
    leave({ seed: 2 }, { 'summary.json': '{"reason":"interrupted"}', 'last.checkpoint': '' });
    expect(find({ seed: 2 }).state).toBe('unfinished');
    leave({ seed: 3 }, { 'rounds.ndjson': '' });
    expect(readdirSync(root)).toHaveLength(3);
    expect(find({ seed: 3 }).state).toBe('missing');
    expect(readdirSync(root)).toHaveLength(2);
  });

  it('is another one where a run of that name was trained otherwise, as when defaults have changed since', async () => {
    const { find, leave } = await world();
    const folder = leave({}, { 'summary.json': '{"reason":"completed"}' });
    writeFileSync(join(folder, 'config.yaml'), printConfig(smallConfig({ optimizer: { beta1: 0.5 } }), false));
    expect(find()).toMatchObject({ state: 'missing', folder: `${folder}-2` });
  });
});

it('the command of a run is its difference from the defaults, in quotes where a shell needs them', () => {
  const config = configOf({ data: '../ml-1m', seed: 3, threads: 2, metrics: { enabled: false }, optimizer: { decayOf: { U: 5e-4 } } });
  expect(commandOf(config)).toBe(`npx metafleet run --data ../ml-1m --seed 3 --optimizer.decayOf '{"U":0.0005}'`);
  expect(commandOf(configOf({ data: "it's" }))).toBe(`npx metafleet run --data 'it'\\''s'`);
});

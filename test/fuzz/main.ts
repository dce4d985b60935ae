// npm run fuzz [-- --runs 1000000 --seed 1 --target frames,json]: random and changed frames, checkpoints, configurations and rating files.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Finding, runShare } from './share.js';
import { SHARES, TARGETS } from './targets.js';

const wholeNumber = (name: string, text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name}: expected a whole number of at least 1, found ${text}`);
  return value;
};

const keep = (folder: string, { target, input }: Finding): string => {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${target}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`);
  writeFileSync(path, input);
  return path;
};

const main = async (): Promise<void> => {
  const options = {
    runs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    target: { type: 'string' },
    cases: { type: 'string', default: 'test/fuzz/cases' },
  } as const;
  const { values } = parseArgs({ options });
  const [runs, seed] = [wholeNumber('runs', values.runs), wholeNumber('seed', values.seed)];
  const names = Object.keys(TARGETS).filter((name) => values.target === undefined || values.target.split(',').includes(name));
  if (names.length === 0) throw new Error(`--target: expected one of ${Object.keys(TARGETS).join(', ')}, found ${values.target}`);
  const shares = names.reduce((sum, name) => sum + SHARES[name]!, 0);
  for (const name of names) {
    const count = Math.ceil((runs * SHARES[name]!) / shares);
    const start = performance.now();
    const module = new URL('targets.js', import.meta.url).href;
    const { done, accepted, findings } = await runShare({ module, target: name, seed, first: 0, count });
    const seconds = (performance.now() - start) / 1000;
    const [inputs, taken] = [done, accepted].map((count) => String(count).padStart(7));
    console.log(`${name.padEnd(12)} ${inputs} inputs, ${taken} accepted, ${findings.length} findings, ${seconds.toFixed(1)} s`);
    for (const finding of findings) {
      process.exitCode = 1;
      const place = finding.input.length > 0 ? keep(values.cases, finding) : 'not kept';
      console.error(`${name}, input ${finding.index} (${place}): ${finding.message.split('\n').slice(0, 4).join(' | ').slice(0, 600)}`);
    }
  }
};

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

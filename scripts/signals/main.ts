// npm run signals [-- --points 90 --seed 1]: signals to runs at seeded moments of their lives. What is kept must resume to the same digest.
import { parseArgs } from 'node:util';
import { interruptAt, planPoints, undisturbed } from './interrupted-run.js';

const main = async (): Promise<void> => {
  const options = { points: { type: 'string', default: '90' }, seed: { type: 'string', default: '1' } } as const;
  const { values } = parseArgs({ options });
  const [points, seed] = [Number(values.points), Number(values.seed)];
  const whole = await undisturbed();
  const counts = new Map<string, number>();
  let problems = 0;
  for (const point of planPoints(seed, points)) {
    const { end, problem } = await interruptAt(point, whole);
    const row = `${point.how.padEnd(7)}${end}`;
    counts.set(row, (counts.get(row) ?? 0) + 1);
    if (problem === undefined) continue;
    problems += 1;
    console.error(`${point.signal} ${point.how} at ${point.at.toFixed(3)}: ${problem}`);
  }
  for (const [row, count] of [...counts].sort()) console.log(`${row.padEnd(20)}${String(count).padStart(5)}`);
  console.log(`${points} points, seed ${seed}, ${problems} problems; a run lives for ${Math.round(whole.millis)} ms`);
  if (problems > 0) process.exitCode = 1;
};

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

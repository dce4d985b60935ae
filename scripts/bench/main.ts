// npm run bench [name…] [-- --repetitions 7 --minutes 1 --pin]: each benchmark answers one question, prints tables and leaves results/bench/<name>.json.
import { parseArgs } from 'node:util';
import { type Bench, type BenchOptions, describeMachine, renderReport, show, writeReport } from './report.js';

const BENCHES: Readonly<Record<string, () => Promise<{ readonly bench: Bench }>>> = {
  kernels: () => import('./kernels/kernels.js'),
  round: () => import('./rounds/round.js'),
  delivery: () => import('./rounds/delivery.js'),
  items: () => import('./rounds/items.js'),
  fleet: () => import('./systems/fleet.js'),
  observers: () => import('./systems/observers.js'),
  scrape: () => import('./systems/scrape.js'),
  checkpoints: () => import('./systems/checkpoints.js'),
  serve: () => import('./systems/serve.js'),
  'live-page': () => import('./systems/live-page.js'),
  peers: () => import('./systems/peers.js'),
  privacy: () => import('./rounds/privacy.js'),
  guard: () => import('./rounds/guard.js'),
  data: () => import('./data/data.js'),
};

/** Fewer would not make a median. */
const LEAST_REPETITIONS = 3;

const runOne = async (name: string, options: Omit<BenchOptions, 'note'>): Promise<boolean> => {
  const { bench } = await BENCHES[name]!();
  console.log(`\n## ${name}: ${bench.question}\n`);
  const machine = describeMachine();
  console.log(`${machine.processor}, ${machine.cores} cores, Node ${machine.node}, load average ${show(machine.load)} before\n`);
  const report = await bench.run({ ...options, note: (text) => console.error(`${name}: ${text}`) });
  console.log(renderReport(report));
  console.error(`${name}: ${writeReport(name, bench.question, report, machine)}`);
  return report.passed ?? true;
};

const main = async (): Promise<void> => {
  const options = {
    repetitions: { type: 'string', default: '7' },
    minutes: { type: 'string', default: '1' },
    pin: { type: 'boolean', default: false },
  } as const;
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
  const [repetitions, minutes] = [Number(values.repetitions), Number(values.minutes)];
  const unknown = names.find((name) => !Object.hasOwn(BENCHES, name));
  if (unknown !== undefined) throw new Error(`benchmark: expected one of ${Object.keys(BENCHES).join(', ')}, found ${unknown}`);
  if (!Number.isInteger(repetitions) || repetitions < LEAST_REPETITIONS) {
    throw new Error(`--repetitions: expected a whole number of at least ${LEAST_REPETITIONS}, found ${values.repetitions}`);
  }
  if (!(minutes > 0)) throw new Error(`--minutes: expected a number above 0, found ${values.minutes}`);
  for (const name of names) if (!(await runOne(name, { repetitions, minutes, pin: values.pin }))) process.exitCode = 1;
};

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

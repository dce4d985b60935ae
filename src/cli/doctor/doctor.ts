import { Command } from 'commander';
import { badInput } from '../../base/errors.js';
import { configSchema } from '../../runs/config/config.js';
import { addJson, answer, type JsonFlag } from '../json-output.js';
import { examine } from './examine.js';
import { type Finding, findingsOf } from './findings.js';

type Flags = JsonFlag & { readonly results: string; readonly port: number };

const MOST_PORT = 65_535;

const parsePort = (text: string): number => {
  if (!/^\d{1,5}$/.test(text) || Number(text) > MOST_PORT) throw badInput('CONFIG', 'flag --port', `a port from 0 to ${MOST_PORT}`, text);
  return Number(text);
};

const text = (findings: readonly Finding[]): string => {
  const wide = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, state, found, advice }) => [
    `${state.padEnd('problem'.length)}  ${check.padEnd(wide)}  ${found}`,
    ...(advice === null ? [] : [`${' '.repeat('problem'.length + wide + 4)}→ ${advice}`]),
  ]);
  return `${lines.join('\n')}\n`;
};

/** `metafleet doctor`: is this machine fit for runs, and what can be done about what is not. Exit code 1 with a problem. */
export const doctorCommand = (): Command => {
  const { metrics, results } = configSchema().parse({});
  return addJson(
    new Command('doctor')
      .option('--results <folder>', 'where results are to go', results)
      .option('--port <number>', 'port of the live page and of /metrics; 0: any free one', parsePort, metrics.port),
  ).action(async ({ json, ...places }: Flags) => {
    const findings = findingsOf(await examine({ ...places, host: metrics.host }));
    const problems = findings.filter(({ state }) => state === 'problem').length;
    answer({ json }, { document: () => ({ ok: problems === 0, findings }), text: () => text(findings) });
    if (problems > 0) process.exitCode = 1;
  });
};

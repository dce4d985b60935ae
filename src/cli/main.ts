#!/usr/bin/env node
import { Command } from 'commander';
import { isMetafleetError, messageOf } from '../base/errors.js';
import { deviceCommand } from './device.js';
import { exportCommand } from './inference/export.js';
import { predictCommand } from './inference/predict.js';
import { recommendCommand } from './inference/recommend.js';
import { dataCommand } from './lists/data.js';
import { modelsCommand } from './lists/models.js';
import { loadCommand } from './load.js';
import { installModulesOfFlags } from './modules.js';
import { newCommand } from './new.js';
import { paperCommand } from './paper.js';
import { reportCommand } from './report.js';
import { runCommand } from './run.js';
import { sweepCommand } from './sweep.js';
import { tuneCommand } from './tune.js';
import { VERSION } from './version.js';

/** Commander's own complaints in the form of all others: one line. */
const oneLine = (text: string): string =>
  `metafleet: ${text
    .replace(/^error: /, '')
    .trim()
    .replace(/\s*\n\s*/g, ' ')}\n`;

/** Commands made elsewhere do not inherit a program's settings. */
const complainInOneLine = (command: Command): Command => {
  command.configureOutput({ outputError: (text, write) => write(oneLine(text)) });
  for (const child of command.commands) complainInOneLine(child);
  return command;
};

/** The `metafleet` program. Bad input ends in one line on stderr and exit code 1. */
const createProgram = (): Command =>
  new Command('metafleet')
    .description('Train recommenders on a simulated fleet of devices, and measure what it costs')
    .version(VERSION)
    .showSuggestionAfterError()
    .addCommand(runCommand())
    .addCommand(modelsCommand())
    .addCommand(newCommand())
    .addCommand(reportCommand())
    .addCommand(recommendCommand())
    .addCommand(predictCommand())
    .addCommand(exportCommand())
    .addCommand(deviceCommand())
    .addCommand(dataCommand())
    .addCommand(sweepCommand())
    .addCommand(paperCommand())
    .addCommand(tuneCommand())
    .addCommand(loadCommand());

const fail = (error: unknown): void => {
  // What metafleet raises on purpose says all there is to say; anything else is a defect, and its stack helps to mend it.
  const text = isMetafleetError(error) ? error.message : error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  process.stderr.write(`metafleet: ${text}\n`);
  process.exitCode = 1;
};

// A reader that has seen enough, such as `head`, does not make the run a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
const main = async (): Promise<void> => {
  // Before commands are made: options of modules are flags of theirs.
  await installModulesOfFlags(process.argv.slice(2));
  await complainInOneLine(createProgram()).parseAsync();
};
await main().catch(fail);

#!/usr/bin/env node
import { isMetafleetError, messageOf } from '../base/errors.js';
import { leave } from '../base/leaving.js';
import { createProgram } from './program.js';
import { onPress, watchSignals } from './signals/signals.js';

const fail = (error: unknown): void => {
  // What metafleet raises on purpose says all there is to say; anything else is a defect, and its stack helps to mend it.
  const text = isMetafleetError(error) ? error.message : error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  process.stderr.write(`metafleet: ${text}\n`);
  process.exitCode = 1;
};

/** A reader that has seen enough, such as `head`, and a terminal that was closed do not make the run a failure. */
const GONE: readonly (string | undefined)[] = ['EPIPE', 'EIO'];

for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (!GONE.includes(error.code)) throw error;
  });

/** Bad input ends in one line on stderr and exit code 1. */
const main = async (): Promise<void> => {
  const program = await createProgram(process.argv.slice(2));
  await program.parseAsync();
};

/**
 * A study that was killed takes its run along: else two processes would write the same folder. It ends at once,
 * as its study did, and goes on from its last checkpoint.
 */
const endWithParent = (): void => {
  if (process.channel === undefined || process.channel === null) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel.unref();
};

watchSignals();
endWithParent();
await main().catch(fail);
// The command has done what it was asked to: a signal changes nothing about that.
onPress(() => void leave(Number(process.exitCode ?? 0)));

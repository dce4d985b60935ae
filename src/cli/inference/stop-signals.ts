import { onPress, type Signal } from '../signals/signals.js';

/** Exit code of a command that a signal ended: 128 and the number of the signal. */
const CODES: Readonly<Record<Signal, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

export type StopSignal = {
  /** The exit code of the first signal. undefined: none came. */
  readonly code: () => number | undefined;
  readonly release: () => void;
};

/** Takes the signals that end a command. `stop` is called at the first one. Later ones change nothing. */
export const onStopSignal = (stop: () => void = () => {}): StopSignal => {
  let code: number | undefined;
  const release = onPress((_, signal) => {
    const isFirst = code === undefined;
    code ??= CODES[signal];
    if (isFirst) stop();
  });
  return { code: () => code, release };
};

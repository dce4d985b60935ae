/** Exit code of a command that a signal ended: 128 and the number of the signal. */
const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export type StopSignal = {
  /** The exit code of the first signal. undefined: none came. */
  readonly code: () => number | undefined;
  readonly release: () => void;
};

/** Catches the signals that end a command. `stop` is called at the first one. Later ones change nothing: npm forwards each a second time. */
export const onStopSignal = (stop: () => void = () => {}): StopSignal => {
  let code: number | undefined;
  const names = Object.keys(CODES) as (keyof typeof CODES)[];
  const handlers = names.map((name) => {
    const handle = (): void => {
      const isFirst = code === undefined;
      code ??= CODES[name];
      if (isFirst) stop();
    };
    process.on(name, handle);
    return () => process.off(name, handle);
  });
  return {
    code: () => code,
    release: () => {
      for (const off of handlers) off();
    },
  };
};

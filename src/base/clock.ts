import { type Millis, millis } from './units.js';

/** A source of time, injected, so that tests and virtual time can replace the wall. */
export type Clock = () => Millis;

export const wallClock: Clock = () => millis(performance.now());

/** What all threads of this process have computed since the last call, which says what a round took when others share the machine. */
export const processorClock = (): Clock => {
  const read = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  let last = read();
  return () => {
    const before = last;
    last = read();
    return millis(last - before);
  };
};

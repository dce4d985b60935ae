import { type Millis, millis } from './units.js';

/** A source of time, injected, so that tests and virtual time can replace the wall. */
export type Clock = () => Millis;

export const wallClock: Clock = () => millis(performance.now());

/** What all threads of this process have computed so far, which says what work took when others share the machine. */
export const processorTime: Clock = () => {
  const { user, system } = process.cpuUsage();
  return millis((user + system) / 1000);
};

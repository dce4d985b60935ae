import { type Millis, millis } from './units.js';

/** A source of time, injected, so that tests and virtual time can replace the wall. */
export type Clock = () => Millis;

export const wallClock: Clock = () => millis(performance.now());

/** A clock that all threads and processes of the machine share. `performance.now()` starts anew in each thread. */
export const sharedNow: Clock = () => millis(Number(process.hrtime.bigint()) / 1e6);

/** What all threads of this process have computed so far, which says what work took when others share the machine. */
export const processorTime: Clock = () => {
  const { user, system } = process.cpuUsage();
  return millis((user + system) / 1000);
};

import { type Millis, millis } from './units.js';

/** A source of time, injected, so that tests and virtual time can replace the wall. */
export type Clock = () => Millis;

export const wallClock: Clock = () => millis(performance.now());

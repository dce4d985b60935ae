import { setFlagsFromString } from 'node:v8';

/**
 * Half of what V8 gives a thread for young objects. Buffers come and go with the messages, and V8 counts those that its cheap collections
 * of young objects have not met yet among the old: with the default, whole heaps were collected each nine rounds of FedAvg, with this half as often.
 */
export const YOUNG_MEGABYTES = 24;

/**
 * What a thread's old objects may grow to before V8 collects its whole heap for the first time, and ever again. It counts the buffers of messages that
 * are under way among them, and collected each 15 full rounds of a coordinator whose heap is 10 MB; with it went the machine code of all functions
 * that live for a round only, which then was made anew: a twentieth of a round's processor time. Read when a thread starts; there is no other way to say it.
 */
const OLD_MEGABYTES = 32;

/** For every thread of the process that starts from now on. */
export const growOldHeaps = (): void => setFlagsFromString(`--initial-old-space-size=${OLD_MEGABYTES}`);

import { messageOf } from '../../base/errors.js';
import type { RunEvent } from '../../events/run-event.js';

export type Observe = (event: RunEvent) => void;

/**
 * An observer that cannot disturb the run. What it throws is reported once, as a process warning or to `warn`. It goes on seeing events.
 */
export const createObserver = (observe: Observe, warn: (text: string) => void = process.emitWarning): Observe => {
  let warned = false;
  return (event) => {
    try {
      observe(event);
    } catch (error) {
      if (!warned) warn(`an observer of the run failed at a ${event.type} event, the run goes on: ${messageOf(error)}`);
      warned = true;
    }
  };
};

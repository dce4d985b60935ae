import type { Remote } from '../threads/control.js';
import type { CoordinatorControl } from '../threads/coordinator-thread.js';
import type { Fleet } from './fleet.js';

/**
 * What a run trains: a fleet, or a central model in a thread of its own. `COORDINATOR_LOST` means that what is trained is lost, and goes on
 * from its last checkpoint in another one.
 */
export type Trainer = Omit<Fleet, 'coordinator'> & {
  readonly coordinator: Pick<Remote<CoordinatorControl>, 'evaluate' | 'digest' | 'save' | 'saveHeld' | 'restore'>;
};

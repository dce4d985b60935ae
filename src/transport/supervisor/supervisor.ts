import { type SupervisionEffect, type SupervisionEvent, startSupervision, supervise } from './supervision.js';

/** The actions of a supervisor. */
export type SupervisorActions = {
  /** A host died before all were there for the first time: the run does not start. */
  readonly failStart: (host: number, error: unknown) => void;
  /** Resolves when the coordinator knows, and all rounds before were counted. */
  readonly reportLoss: (host: number, error: unknown) => Promise<void>;
  /** False: the host died before it was there. */
  readonly restart: (host: number) => Promise<boolean>;
  readonly reportRestart: (host: number) => void;
  readonly giveUp: (host: number, error: unknown) => void;
};

/** Keeps the state of the hosts' supervision, and carries out the actions that follow from events. */
export type Supervisor = { readonly happened: (event: SupervisionEvent) => void; readonly isClosing: () => boolean };

export const createSupervisor = (hosts: number, actions: SupervisorActions): Supervisor => {
  let state = startSupervision(hosts);

  const happened = (event: SupervisionEvent): void => {
    const { state: next, effects } = supervise(state, event);
    state = next;
    for (const effect of effects) carryOut(effect);
  };

  const attempt = (host: number, work: Promise<void>): void => {
    work.catch((error: unknown) => happened({ type: 'restart-failed', host, error }));
  };
  const lose = async (host: number, error: unknown, known: Promise<void>): Promise<void> => {
    await known;
    happened({ type: 'loss-known', host, error });
  };
  const restart = async (host: number): Promise<void> => {
    if (await actions.restart(host)) happened({ type: 'host-restarted', host });
  };

  const carryOut = (effect: SupervisionEffect): void => {
    const { host } = effect;
    switch (effect.type) {
      case 'fail-start':
        actions.failStart(host, effect.error);
        break;
      case 'report-loss':
        attempt(host, lose(host, effect.error, actions.reportLoss(host, effect.error)));
        break;
      case 'restart':
        attempt(host, restart(host));
        break;
      case 'report-restart':
        actions.reportRestart(host);
        break;
      case 'give-up':
        actions.giveUp(host, effect.error);
        break;
    }
  };

  return { happened, isClosing: () => state.phase === 'closing' };
};

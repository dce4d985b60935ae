/**
 * The answer to hosts that die, as a pure transition: state and event in, state and actions out.
 * It knows no thread. Every way to start hosts shares it.
 */
export type Supervision = {
  readonly phase: 'starting' | 'serving' | 'closing';
  /** By host, since the last finished round. */
  readonly deaths: readonly number[];
};

export type SupervisionEvent =
  /** Every host is there for the first time. */
  | { readonly type: 'all-started' }
  /** The run is being closed: hosts end because they are stopped. */
  | { readonly type: 'closing' }
  | { readonly type: 'rounds-finished' }
  | { readonly type: 'host-ended'; readonly host: number; readonly error: unknown }
  /** The coordinator has ended the exchange that the host was part of, and all rounds before it were counted. */
  | { readonly type: 'loss-known'; readonly host: number; readonly error: unknown }
  | { readonly type: 'host-restarted'; readonly host: number }
  /** A host could not be restarted for a reason other than its own death, which is an event by itself. */
  | { readonly type: 'restart-failed'; readonly host: number; readonly error: unknown };

export type SupervisionEffect =
  | { readonly type: 'fail-start'; readonly host: number; readonly error: unknown }
  | { readonly type: 'report-loss'; readonly host: number; readonly error: unknown }
  | { readonly type: 'restart'; readonly host: number }
  | { readonly type: 'report-restart'; readonly host: number }
  | { readonly type: 'give-up'; readonly host: number; readonly error: unknown };

export type Supervised = { readonly state: Supervision; readonly effects: readonly SupervisionEffect[] };

/** So many deaths of one host are tolerated without a finished round in between. */
export const MOST_DEATHS = 5;

export const startSupervision = (hosts: number): Supervision => ({ phase: 'starting', deaths: Array.from({ length: hosts }, () => 0) });

const endOf = (state: Supervision, host: number, error: unknown): Supervised => {
  if (state.phase === 'closing') return { state, effects: [] };
  const deaths = state.deaths.with(host, state.deaths[host]! + 1);
  const type = state.phase === 'starting' ? 'fail-start' : 'report-loss';
  return { state: { ...state, deaths }, effects: [{ type, host, error }] };
};

export const supervise = (state: Supervision, event: SupervisionEvent): Supervised => {
  const isClosing = state.phase === 'closing';
  switch (event.type) {
    case 'all-started':
      return { state: isClosing ? state : { ...state, phase: 'serving' }, effects: [] };
    case 'closing':
      return { state: { ...state, phase: 'closing' }, effects: [] };
    case 'rounds-finished':
      return { state: state.deaths.some((count) => count > 0) ? { ...state, deaths: state.deaths.map(() => 0) } : state, effects: [] };
    case 'host-ended':
      return endOf(state, event.host, event.error);
    case 'loss-known': {
      const { host, error } = event;
      if (isClosing) return { state, effects: [] };
      return { state, effects: [state.deaths[host]! > MOST_DEATHS ? { type: 'give-up', host, error } : { type: 'restart', host }] };
    }
    case 'host-restarted':
      return { state, effects: [{ type: 'report-restart', host: event.host }] };
    case 'restart-failed':
      return { state, effects: isClosing ? [] : [{ type: 'give-up', host: event.host, error: event.error }] };
  }
};

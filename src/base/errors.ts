/**
 * Every error metafleet raises on purpose: a stable code for programs, one line for people.
 * The line names the place, what was expected and what was found.
 */
export type ErrorCode =
  | 'CONFIG' // a config key, file or flag
  | 'DATA' // a rating file or dataset
  | 'FETCH' // a download or the cache it lands in
  | 'MESSAGE' // a frame that crossed an actor boundary
  | 'CHECKPOINT' // a checkpoint or results folder
  | 'HOST_LOST' // a device host thread died
  | 'COORDINATOR_LOST' // the coordinator thread died
  | 'MODULE' // a user's module: what it exports, throws or returns
  | 'CAPABILITY'; // this machine lacks what was asked for

export class MetafleetError extends Error {
  override readonly name = 'MetafleetError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export const isMetafleetError = (error: unknown, code?: ErrorCode): error is MetafleetError =>
  error instanceof MetafleetError && (code === undefined || error.code === code);

/** `place: expected …, found …`: the one sentence every bad input gets. */
export const badInput = (code: ErrorCode, place: string, expected: string, found: string): MetafleetError =>
  new MetafleetError(code, `${place}: expected ${expected}, found ${found}`);

/** The message of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

import type { Answers } from '../../coordinator/round/devices.js';
import type { OwedAnswers } from './owed-answers.js';

/** The waiting of one exchange for room and for answers, and its end. It knows no channel. */
export type OpenExchange = {
  readonly id: number;
  readonly owed: OwedAnswers;
  readonly hasFailed: () => boolean;
  /** A frame was answered: wakes those that waited for that. */
  readonly progress: () => void;
  /** Ends the exchange with its first error. Later errors change nothing. */
  readonly fail: (error: Error) => void;
  /** Resolves when every host has room. */
  readonly room: () => Promise<void>;
  /** Resolves when no answer is owed. */
  readonly answers: () => Promise<Answers>;
};

export const createOpenExchange = (id: number, owed: OwedAnswers): OpenExchange => {
  let failure: Error | undefined;
  let sending: (() => void) | undefined;
  let waiting: { readonly resolve: (answers: Answers) => void; readonly reject: (error: Error) => void } | undefined;

  const progress = (): void => {
    sending?.();
    if (waiting === undefined || (failure === undefined && !owed.isAnswered())) return;
    const { resolve, reject } = waiting;
    waiting = undefined;
    const taken = owed.take();
    if (failure === undefined) resolve(taken);
    else reject(failure);
  };

  return {
    id,
    owed,
    hasFailed: () => failure !== undefined,
    progress,
    fail: (error) => {
      failure ??= error;
      progress();
    },
    room: async () => {
      while (failure === undefined && !owed.hasRoom()) {
        await new Promise<void>((resolve) => {
          sending = resolve;
        });
      }
      if (failure !== undefined) throw failure;
    },
    answers: () =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        progress();
      }),
  };
};

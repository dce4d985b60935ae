import { MetafleetError } from '../../base/errors.js';
import { createHookWatch, type HookWatch, hookIn } from '../../definitions/hook-watch.js';

/** Looks at the threads that call hooks of users' modules. One that is in the same call for too long cannot say so itself. */
export type StuckHooks = {
  readonly coordinator: HookWatch;
  /** By host. */
  readonly hosts: readonly HookWatch[];
  /** Looks once. Calls `onStuck` for each thread whose call has lasted too long, once. */
  readonly look: () => void;
  readonly close: () => void;
};

/** Time is counted in looks. A machine that sleeps, or a main thread that is held up, adds none. */
const LOOK_MILLIS = 1000;

export type StuckHooksOptions = {
  readonly hosts: number;
  /** As the user named them. */
  readonly modules: readonly string[];
  /** Seconds that a call may last. */
  readonly timeout: number;
  readonly onStuck: (who: 'coordinator' | 'host', error: MetafleetError) => void;
};

type Seen = { call: number; looks: number };

export const watchHooks = ({ hosts, modules, timeout, onStuck }: StuckHooksOptions): StuckHooks => {
  const threads = Array.from({ length: hosts + 1 }, () => createHookWatch(modules));
  const seen = threads.map((): Seen => ({ call: -1, looks: 0 }));
  const mostLooks = Math.ceil((timeout * 1000) / LOOK_MILLIS);
  const look = (): void => {
    threads.forEach((watch, index) => {
      const now = hookIn(watch);
      const before = seen[index]!;
      const looks = now !== null && now.call === before.call ? before.looks + 1 : 0;
      seen[index] = { call: now?.call ?? -1, looks };
      if (now === null || looks !== mostLooks) return;
      const device = now.device === null ? '' : `, device ${now.device}`;
      const text = `${now.module}, hook ${now.hook}${device}: expected to return within ${timeout} s`;
      onStuck(index === 0 ? 'coordinator' : 'host', new MetafleetError('MODULE', text));
    });
  };
  const timer = setInterval(look, LOOK_MILLIS);
  timer.unref();
  return { coordinator: threads[0]!, hosts: threads.slice(1), look, close: () => clearInterval(timer) };
};

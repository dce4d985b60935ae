import { MetafleetError, messageOf } from '../base/errors.js';
import { enterHook, type Hook, type HookWatch, leaveHook } from './hook-watch.js';

/** Calls hooks of a user's module. An error or a wrong result ends in one line that names module, hook and device. */
export type HookCalls = {
  readonly items: number;
  /** Calls a hook. Throws MODULE if it throws. */
  call<T>(hook: Hook, work: () => T): T;
  /** As `call`, over the whole time that a promise takes. No other hook is called on this thread meanwhile. */
  wait<T>(hook: Hook, work: () => T | Promise<T>): Promise<T>;
  /** Throws MODULE unless `right`. */
  expect(right: boolean, hook: Hook, expected: string, found: () => string): void;
};

const firstLine = (error: unknown): string => messageOf(error).split('\n')[0]!.slice(0, 200);

export const createCalls = (module: string, items: number, device: () => number | null, watch: HookWatch | undefined): HookCalls => {
  const place = (hook: Hook): string => {
    const of = device();
    return `${module}, hook ${hook}${of === null ? '' : `, device ${of}`}`;
  };
  const enter = (hook: Hook): void => {
    if (watch !== undefined) enterHook(watch, module, hook, device());
  };
  const leave = (): void => {
    if (watch !== undefined) leaveHook(watch);
  };
  const thrown = (hook: Hook, error: unknown): MetafleetError => {
    if (error instanceof MetafleetError && error.code === 'MODULE') return error;
    return new MetafleetError('MODULE', `${place(hook)}: it threw: ${firstLine(error)}`, { cause: error });
  };
  return {
    items,
    call: (hook, work) => {
      enter(hook);
      try {
        return work();
      } catch (error) {
        throw thrown(hook, error);
      } finally {
        leave();
      }
    },
    wait: async (hook, work) => {
      enter(hook);
      try {
        return await work();
      } catch (error) {
        throw thrown(hook, error);
      } finally {
        leave();
      }
    },
    expect: (right, hook, expected, found) => {
      if (!right) throw new MetafleetError('MODULE', `${place(hook)}: expected ${expected}, found ${found().slice(0, 200)}`);
    },
  };
};

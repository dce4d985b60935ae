/**
 * Shows other threads which hook of a user's module a thread calls, and for which device. A hook that never returns cannot report it.
 * Shared memory: hook (0: none), device + 1 (0: none), a count of calls.
 */
export type HookWatch = { readonly shared: Int32Array<SharedArrayBuffer> };

export const HOOKS = [
  'check',
  'wire',
  'client',
  'server',
  'plan',
  'update',
  'score',
  'operations',
  'state',
  'prepare',
  'generate',
  'apply',
  'accumulate',
  'step',
  'settle',
  'restore',
  'close',
  'create',
  'choose',
  'learn',
  'combine',
  'onDevice',
  'onServer',
] as const;
export type Hook = (typeof HOOKS)[number];

export const createHookWatch = (): HookWatch => ({ shared: new Int32Array(new SharedArrayBuffer(12)) });

export const enterHook = ({ shared }: HookWatch, hook: Hook, device: number | null): void => {
  Atomics.store(shared, 1, device === null ? 0 : device + 1);
  Atomics.store(shared, 0, 1 + HOOKS.indexOf(hook));
  Atomics.add(shared, 2, 1);
};

export const leaveHook = ({ shared }: HookWatch): void => {
  Atomics.store(shared, 0, 0);
};

/** The present call, if there is one. `call` is another number for every call. */
export const hookIn = ({ shared }: HookWatch): { readonly hook: Hook; readonly device: number | null; readonly call: number } | null => {
  const hook = HOOKS[Atomics.load(shared, 0) - 1];
  if (hook === undefined) return null;
  const device = Atomics.load(shared, 1);
  return { hook, device: device === 0 ? null : device - 1, call: Atomics.load(shared, 2) };
};

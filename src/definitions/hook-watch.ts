/**
 * Shows other threads which hook of a user's module a thread calls, and for which device. A hook that never returns cannot report it.
 * Shared memory: hook (0: none), device + 1 (0: none), module, a count of calls. `modules`: as the user named them.
 */
export type HookWatch = { readonly shared: Int32Array<SharedArrayBuffer>; readonly modules: readonly string[] };

export const HOOKS = [
  'check',
  'wire',
  'client',
  'server',
  'plan',
  'update',
  'score',
  'operations',
  'itemVectors',
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
  'epoch',
  'fit',
  'scores',
] as const;
export type Hook = (typeof HOOKS)[number];

export const createHookWatch = (modules: readonly string[]): HookWatch => ({ shared: new Int32Array(new SharedArrayBuffer(16)), modules });

export const enterHook = ({ shared, modules }: HookWatch, module: string, hook: Hook, device: number | null): void => {
  Atomics.store(shared, 1, device === null ? 0 : device + 1);
  Atomics.store(shared, 2, modules.indexOf(module));
  Atomics.store(shared, 0, 1 + HOOKS.indexOf(hook));
  Atomics.add(shared, 3, 1);
};

export const leaveHook = ({ shared }: HookWatch): void => {
  Atomics.store(shared, 0, 0);
};

export type HookCall = {
  readonly module: string;
  readonly hook: Hook;
  readonly device: number | null;
  /** Another number for every call. */
  readonly call: number;
};

/** The present call, if there is one. */
export const hookIn = ({ shared, modules }: HookWatch): HookCall | null => {
  const hook = HOOKS[Atomics.load(shared, 0) - 1];
  if (hook === undefined) return null;
  const device = Atomics.load(shared, 1);
  const module = modules[Atomics.load(shared, 2)] ?? 'a module';
  return { module, hook, device: device === 0 ? null : device - 1, call: Atomics.load(shared, 3) };
};

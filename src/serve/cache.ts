/** The values that were used last, in a bounded number of bytes. */
export type Cache<Value> = {
  /** undefined: it is not kept. */
  get(key: number): Value | undefined;
  /** The values that were not used for the longest time make room. A value that is larger than the whole room is not kept. */
  put(key: number, value: Value, bytes: number): void;
  bytes(): number;
  size(): number;
};

export const createCache = <Value>(most: number): Cache<Value> => {
  /** In the order of their last use: a map keeps the order in which keys were set. */
  const entries = new Map<number, { readonly value: Value; readonly bytes: number }>();
  let total = 0;
  const drop = (key: number): void => {
    total -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  return {
    get: (key) => {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    put: (key, value, bytes) => {
      drop(key);
      if (bytes > most) return;
      for (const oldest of entries.keys()) {
        if (total + bytes <= most) break;
        drop(oldest);
      }
      entries.set(key, { value, bytes });
      total += bytes;
    },
    bytes: () => total,
    size: () => entries.size,
  };
};

const NOTE_MILLIS = 2000;

const shown = (count: number, unit: 'bytes' | 'ratings'): string =>
  unit === 'bytes' ? `${(count / 1e6).toFixed(0)} MB` : `${(count / 1e6).toFixed(1)} M ratings`;

/** Counts work that is done, and every two seconds notes how far it is and how long the rest will take. */
export const progressOf = (
  what: string,
  total: number,
  unit: 'bytes' | 'ratings',
  note: ((text: string) => void) | undefined,
  now: () => number = performance.now.bind(performance),
): ((count: number) => void) => {
  const start = now();
  let [done, last] = [0, start];
  return (count) => {
    done += count;
    const time = now();
    if (note === undefined || time - last < NOTE_MILLIS) return;
    last = time;
    const seconds = (time - start) / 1000;
    const left = Math.ceil(((total - done) / done) * seconds);
    note(`${what}: ${Math.floor((100 * done) / total)} % of ${shown(total, unit)}, ${shown(done / seconds, unit)}/s, ${left} s left`);
  };
};

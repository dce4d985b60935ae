/** Short numbers for people: they change ten times a second. */
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const BYTES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

export const short = (value: number): string => compact.format(value);
export const count = (value: number): string => whole.format(value);

const three = (value: number): string => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

export const size = (value: number): string => {
  const unit = value < 1 ? 0 : Math.min(BYTES.length - 1, Math.floor(Math.log10(value) / 3));
  const scaled = value / 1000 ** unit;
  return `${unit === 0 ? whole.format(scaled) : three(scaled)} ${BYTES[unit]}`;
};

export const millis = (value: number): string =>
  value < 1 ? `${whole.format(value * 1000)} µs` : value < 1000 ? `${three(value)} ms` : span(value);

export const span = (value: number): string => {
  const seconds = value / 1000;
  if (seconds < 60) return `${three(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}m ${whole.format(Math.floor(seconds % 60))}s` : `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
};

export const error = (value: number | null): string => (value === null ? '–' : value < 1000 ? value.toFixed(4) : value.toExponential(2));
/** `dataPlan` as words. */
export const words = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

export const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 && share > 0 ? 1 : 0)} %`;

/** `NDCG@10`, or `metric` before the metrics of the run are known. */
export const metricTitle = (name: string): string => (name === '' ? 'metric' : name.toUpperCase());

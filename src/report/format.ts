/** Numbers for people. Units are SI (kB = 1000 B); every function gives `-` for what is not a finite number. */

const SIZE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Three significant digits, never in exponent form for 1 ≤ value < 1000. */
const threeDigits = (value: number): string => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

/** `1.23 MB`: SI units, three significant digits. */
export const formatBytes = (value: number): string => {
  if (!Number.isFinite(value)) return '-';
  let unit = 0;
  let scaled = value;
  // 999.5 would round to 1000 of the smaller unit.
  while (Math.abs(scaled) >= 999.5 && unit < SIZE_UNITS.length - 1) {
    scaled /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(scaled) : threeDigits(scaled)} ${SIZE_UNITS[unit]}`;
};

const padded = (value: number): string => String(value).padStart(2, '0');

/** Milliseconds in: `850 us`, `12.3 ms`, `4.56 s`, `2m 05s`, `3h 07m`, `2d 04h`. */
export const formatMillis = (value: number): string => {
  if (!Number.isFinite(value)) return '-';
  if (value <= 0) return '0 s';
  if (value < 0.9995) return `${threeDigits(value * 1000)} us`;
  if (value < 999.5) return `${threeDigits(value)} ms`;
  if (value < 59_950) return `${threeDigits(value / 1000)} s`;
  return formatSpan(value);
};

/** Whole seconds and coarser, for times to come: `0s`, `45s`, `2m 05s`, `3h 07m`, `2d 04h`. Milliseconds in. */
export const formatSpan = (value: number): string => {
  if (!Number.isFinite(value)) return '-';
  const seconds = Math.max(0, Math.round(value / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${padded(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h ${padded(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d ${padded(hours % 24)}h`;
};

/** `1,234,567`; rounded to a whole number, whatever the locale of the machine. */
export const formatCount = (value: number): string =>
  Number.isFinite(value) ? String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ',') : '-';

/** `6,400`, `12.3`, `0.45`: a rate a second, without its unit. */
export const formatRate = (value: number): string =>
  !Number.isFinite(value) ? '-' : value >= 999.5 ? formatCount(value) : threeDigits(value);

/** An error or loss, four decimals: `0.7719`; large ones shorter, so that a diverging run keeps its columns. */
export const formatError = (value: number): string =>
  !Number.isFinite(value) ? '-' : Math.abs(value) < 1000 ? value.toFixed(4) : value.toExponential(2);

/** A metric's value as an error is shown; `-` for a measure of nothing. */
export const formatMetric = (value: number | null | undefined): string => formatError(value ?? Number.NaN);

/** `MSE`, `NDCG@10`: a metric's name as a title. */
export const metricTitle = (name: string): string => name.toUpperCase();

/** A share in, `12.3 %` out. */
export const formatPercent = (share: number): string => (Number.isFinite(share) ? `${(share * 100).toFixed(1)} %` : '-');

/** `1 epoch`, `2 epochs`: the count and its noun. */
export const plural = (count: number, noun: string): string => `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;

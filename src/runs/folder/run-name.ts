import { badInput } from '../../base/errors.js';

/** What a default run name is made of. */
export type RunOrigin = {
  /** A catalogue name, a path or a `synthetic:…` description. */
  readonly data: string;
  readonly algorithm: string;
  /** Local time goes into the name. */
  readonly date: Date;
};

const slug = (text: string): string =>
  text
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 60) || 'run';

/** The last part of a path; a synthetic fleet's description stays whole. */
const shortName = (data: string): string =>
  data.startsWith('synthetic:')
    ? data
    : (data
        .replace(/[\\/]+$/, '')
        .split(/[\\/]/)
        .at(-1) ?? data);

/** `<data>-<algorithm>-<yyyymmdd-hhmmss>`; not yet unique, openResults sees to that. */
export const defaultRunName = ({ data, algorithm, date }: RunOrigin): string => {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  const time = `${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
  return `${slug(shortName(data))}-${slug(algorithm)}-${day}-${time}`;
};

/** CONFIG unless the name is one plain folder name, the same on every file system. */
export const checkRunName = (name: string): string => {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/.test(name)) return name;
  throw badInput('CONFIG', 'run name', 'up to 200 letters, digits, "_", "-" and ".", not starting with "-" or "."', JSON.stringify(name));
};

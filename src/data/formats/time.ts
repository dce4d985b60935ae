/** What columns of time hold, as seconds since 1970. Nothing depends on the time zone of this machine: a time without a zone is UTC. */

/** Above so many seconds since 1970 (year 5138), a number counts milliseconds, then microseconds, then nanoseconds. */
const MOST_SECONDS = 1e11;

export const secondsOfNumber = (value: number): number => {
  let seconds = value;
  for (let unit = 0; unit < 3 && Math.abs(seconds) > MOST_SECONDS; unit++) seconds /= 1000;
  return Math.abs(seconds) > MOST_SECONDS ? Number.NaN : seconds;
};

const ISO = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(\.\d+)?)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/;
/** Month, day and year, as Amazon (`09 13, 2009`) and spreadsheets (`9/13/2009`) write them. */
const AMERICAN = /^(\d{1,2})[ /](\d{1,2}),?[ /](\d{4})$/;
/** Foursquare, Goodreads and Twitter: `Tue Apr 03 18:00:09 +0000 2012`. */
const TWITTER = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{2}) (\d{2}):(\d{2}):(\d{2}) ([+-]\d{2}:?\d{2}) (\d{4})$/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const zoneSeconds = (zone: string | undefined): number => {
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone ?? '') ?? [];
  if (sign === undefined) return 0;
  return (sign === '-' ? -1 : 1) * (3600 * Number(hours) + 60 * Number(minutes));
};

const utc = (year: number, month: number, day: number, clock: readonly number[], zone: string | undefined): number => {
  const [hours = 0, minutes = 0, seconds = 0] = clock;
  if (month < 1 || month > 12 || day < 1 || day > 31 || hours > 24 || minutes > 59 || seconds > 60) return Number.NaN;
  return Date.UTC(year, month - 1, day, hours, minutes, seconds) / 1000 - zoneSeconds(zone);
};

/** Seconds since 1970, or NaN for a text that is no time. */
export const secondsOf = (text: string): number => {
  if (/^-?\d+(\.\d+)?$/.test(text)) return secondsOfNumber(Number(text));
  const iso = ISO.exec(text);
  if (iso !== null) {
    const [, year, month, day, hours, minutes, seconds, fraction, zone] = iso;
    const clock = [hours, minutes, seconds].map((part) => Number(part ?? 0));
    return utc(Number(year), Number(month), Number(day), clock, zone) + Number(fraction ?? 0);
  }
  const american = AMERICAN.exec(text);
  if (american !== null) return utc(Number(american[3]), Number(american[1]), Number(american[2]), [], undefined);
  const twitter = TWITTER.exec(text);
  if (twitter === null) return Number.NaN;
  const [, month, day, hours, minutes, seconds, zone, year] = twitter;
  return utc(Number(year), MONTHS.indexOf(month!) + 1, Number(day), [hours, minutes, seconds].map(Number), zone);
};

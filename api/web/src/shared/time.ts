// Times of day as people read them, always in the town's own zone.
// See: docs/web.md

export type Moment = number;
/** Milliseconds since 1970. */

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export function momentOf(time: string): Moment {
  return Date.parse(time);
}

const kept = new Map<string, Intl.DateTimeFormat>();

function formatter(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  const found = kept.get(key) ?? new Intl.DateTimeFormat(locale, options);
  kept.set(key, found);
  return found;
}

/** "10:05" */
export function clockTime(moment: Moment, zone: string): string {
  const options = { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  return formatter('en-GB', options).format(moment);
}

/** "6月9日（火）", "Tue 9 June" */
export function dayName(moment: Moment, zone: string, locale: string): string {
  const options = { timeZone: zone, month: 'long', day: 'numeric', weekday: 'short' } as const;
  return formatter(locale, options).format(moment);
}

/** "2026-06-09" */
export function dayOf(moment: Moment, zone: string): string {
  const options = { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' } as const;
  return formatter('sv-SE', options).format(moment);
}

/** Whole hours of the clock between two moments, for the marks of an axis. */
export function hoursBetween(from: Moment, to: Moment, zone: string): Moment[] {
  const minutes = Number(clockTime(from, zone).slice(3));
  const first = from + ((60 - minutes) % 60) * MINUTE;
  const hours: Moment[] = [];
  for (let hour = first; hour <= to; hour += HOUR) hours.push(hour);
  return hours;
}

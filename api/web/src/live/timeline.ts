// The day as a strip: where on it each call, promise and break lies, in hundredths of its width.
// See: docs/web.md

import type { Call, Live, Vehicle } from '../shared/client';
import { keyed } from '../shared/keyed';
import { HOUR, momentOf, type Moment } from '../shared/time';
import type { Words } from '../words/ja';
import { callInWords } from './sayings';

const DEFAULT_HOURS = 8;

export interface Axis {
  from: Moment;
  to: Moment;
}

export interface Span {
  left: number;
  width: number;
}

export interface Block extends Span {
  key: string;
  kind: Call['kind'];
  done: boolean;
  verdict: Call['verdict'];
  promise: Span | null;
  says: string;
}

/** From the first shift's start to the last one's end, and to the last call where that is later. */
export function axisOf(reading: Live): Axis {
  const from = momentOf(reading.opens ?? reading.now);
  const ends = reading.vehicles.flatMap((each) => each.calls.map((call) => momentOf(call.ends_at)));
  const closes = reading.closes ? momentOf(reading.closes) : from + DEFAULT_HOURS * HOUR;
  return { from, to: Math.max(closes, ...ends) };
}

export function shareOf(moment: Moment, axis: Axis): number {
  const share = (100 * (moment - axis.from)) / (axis.to - axis.from);
  return Math.min(100, Math.max(0, share));
}

export function spanOf(from: Moment, to: Moment, axis: Axis): Span {
  const left = shareOf(from, axis);
  return { left, width: Math.max(0, shareOf(to, axis) - left) };
}

/** A row's calls, made and to come, in order of time. */
export function blocksOf(vehicle: Vehicle, axis: Axis, zone: string, words: Words): Block[] {
  const all = [...vehicle.done, ...vehicle.calls];
  const keys = keyed(all, (call) => `${call.kind} ${call.booking_id ?? call.starts_at}`);
  return keys.map(([key, call], i) => {
    const done = i < vehicle.done.length;
    return {
      ...spanOf(momentOf(call.starts_at), momentOf(call.ends_at), axis),
      key,
      kind: call.kind,
      done,
      verdict: call.verdict,
      promise: done ? null : promiseOf(call, axis),
      says: callInWords(call, done, zone, words),
    };
  });
}

/** The promised window; where only a latest time is promised, from the call to that time. */
function promiseOf(call: Call, axis: Axis): Span | null {
  if (call.promised_latest === null) return null;
  const latest = momentOf(call.promised_latest);
  const from = momentOf(call.promised_earliest ?? call.starts_at);
  return spanOf(Math.min(from, latest), latest, axis);
}

// The live town in words: one plain sentence for a ride, a call, a vehicle.
// See: docs/web.md; src/words

import type { Call, Live, Ride, Vehicle } from '../shared/client';
import { clockTime, MINUTE, momentOf, type Moment } from '../shared/time';
import type { Words } from '../words/ja';
import type { Mark } from './marks';

/** So long before its pickup a party is drawn as waiting. */
const WAITS = 20 * MINUTE;

/** A vehicle's name without what stands in brackets behind it. */
export function shortName(name: string): string {
  return name.replace(/\s*[（(].*[）)]\s*$/, '') || name;
}

export function vehicleInWords(vehicle: Vehicle, words: Words): string {
  return words.vehicleIs(vehicle.name, statusInWords(vehicle, words), aboard(vehicle, words));
}

export function statusInWords(vehicle: Vehicle, words: Words): string {
  return words.status[vehicle.status] ?? vehicle.status;
}

export function aboard(vehicle: Vehicle, words: Words): string {
  return words.aboard(vehicle.passengers, vehicle.capacity.seats ?? 0);
}

/** What became of a ride that somebody asked for. */
export function rideInWords(ride: Ride, reading: Live, words: Words): string {
  const vehicle = reading.vehicles.find((each) => each.number === ride.vehicle_number);
  const name = vehicle ? shortName(vehicle.name) : '';
  const at = (time: string | null): string =>
    time === null ? '' : clockTime(momentOf(time), reading.town.zone);
  const late = ride.late_seconds > 0 ? words.rideLate(ride.late_seconds) : '';
  switch (ride.state) {
    case 'refused':
      return ride.refusal?.message ?? '';
    case 'offered':
      return words.rideOffered;
    case 'confirmed':
      return words.rideConfirmed(name, at(ride.pickup_earliest), at(ride.pickup_latest)) + late;
    case 'on_board':
      return words.rideOnBoard(name, at(ride.arrive_latest)) + late;
    case 'completed':
      return words.rideCompleted(name);
    default:
      return words.rideEnded[ride.state] ?? '';
  }
}

/** A call, its promise, and how the one stands to the other. */
export function callInWords(call: Call, done: boolean, zone: string, words: Words): string {
  const at = (time: string): string => clockTime(momentOf(time), zone);
  if (call.kind === 'break') return words.breakIs(at(call.starts_at), at(call.ends_at));
  const kind = words.callKind[call.kind] ?? call.kind;
  const said = [words.callIs(at(call.starts_at), call.place?.name ?? '', kind, done)];
  if (call.promised_latest !== null) {
    const latest = at(call.promised_latest);
    const { promised_earliest: earliest } = call;
    said.push(earliest ? words.promisedBetween(at(earliest), latest) : words.promisedBy(latest));
    said.push(verdictInWords(call, done, words));
  }
  return said.join(words.locale === 'ja-JP' ? '、' : ', ');
}

function verdictInWords(call: Call, done: boolean, words: Words): string {
  if (done) return call.verdict === 'late' ? words.wasLate : words.wasKept;
  return words.verdict[call.verdict] ?? '';
}

/** When somebody asked: the time of day, or that it was before today. */
export function askedAt(ride: Ride, reading: Live, words: Words): string {
  const day = ride.asked_at.slice(0, reading.day.length);
  return day < reading.day
    ? words.fromDayBefore
    : clockTime(momentOf(ride.asked_at), reading.town.zone);
}

/** The parties that wait for their vehicle now or soon, as marks for the map. */
export function waitingRides(reading: Live, words: Words): Mark[] {
  const now: Moment = momentOf(reading.now);
  return reading.requests.flatMap((ride) => {
    const { lat, lon } = ride.origin;
    const soon = ride.pickup_earliest !== null && momentOf(ride.pickup_earliest) - now < WAITS;
    if (ride.state !== 'confirmed' || !soon || lat === null || lon === null) return [];
    const says = `${words.legendWaiting}: ${ride.origin.name}、${words.people(ride.passengers)}`;
    return [{ id: ride.id, number: ride.vehicle_number ?? 1, says, at: [lon, lat] as const }];
  });
}

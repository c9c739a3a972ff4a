// Every word of the pages in English; the same ones as in ja.ts, which the compiler checks.
// See: docs/words.md; docs/web.md

import type { Words } from './ja';

const minutes = (seconds: number): number => Math.ceil(seconds / 60);

export const en: Words = {
  locale: 'en-GB',
  language: 'English',

  pageTitle: (town) => `${town}: shared taxi, live`,
  subtitle: 'Shared taxi, live',
  mapTitle: 'Map',
  timelineTitle: 'Today’s drives',
  requestsTitle: 'Requests',
  figuresTitle: 'Today’s figures',
  alertsTitle: 'Needs attention',
  more: (count) => `and ${count} more`,

  connected: 'Connected',
  connecting: 'Connecting',
  cut: (time) => (time === null ? 'Not connected' : `Not connected. As of ${time}`),

  clockTitle: 'Clock',
  clockPaused: 'Paused',
  clockPause: 'Pause',
  clockResume: 'Go on',
  clockSpeed: (speed) => `${speed}×`,
  clockSpeedTitle: 'Speed of time',

  toDark: 'Dark',
  toLight: 'Light',
  settingsTitle: 'Display',

  signInTitle: 'See the town live',
  signInWhy: 'Enter an access token of the office.',
  signInLabel: 'Token',
  signInButton: 'Open',
  signInRefused: 'This token does not open the page. Please check it.',

  loading: 'Loading',
  empty: 'Nobody has asked for a ride yet',
  noVehicles: 'No vehicle drives today',
  offline: 'The service cannot be reached. The page goes on by itself as soon as it can.',
  mapFailed: 'The map could not be drawn. Everything else can still be read.',
  again: 'Try again',

  zoomIn: 'Closer',
  zoomOut: 'Farther',
  wholeTown: 'Whole town',
  follow: 'Follow',
  mapLabel: (vehicles) => `Map of the town with ${vehicles} vehicles and where they go.`,
  legendWaiting: 'Waiting',
  legendCall: 'Next calls',
  legendPickup: 'Pickup',
  legendDropoff: 'Drop-off',
  legendBreak: 'Break',
  legendPromise: 'Promised time',
  legendRisk: 'Promise at risk',

  figures: {
    booked: ['Booked', ''],
    completed: ['Completed', ''],
    refused: ['Refused', ''],
    aboard: ['On board now', ''],
    kept: ['Promises kept', ''],
    wait: ['Mean wait', 'min'],
    distance: ['Driven', 'km'],
  },

  status: {
    off_duty: 'Before duty',
    standing: 'Standing',
    driving: 'Driving',
    on_break: 'On a break',
    out_of_service: 'Out of service',
    finished: 'Done for today',
  },

  state: {
    offered: 'Offered',
    confirmed: 'Booked',
    on_board: 'On board',
    completed: 'Arrived',
    cancelled: 'Cancelled',
    no_show: 'No-show',
    expired: 'Expired',
    released: 'Withdrawn',
    broken: 'Not carried',
    refused: 'Refused',
  },

  channel: { phone: 'phone', web: 'web', line: 'LINE', counter: 'counter' },

  aboard: (passengers, seats) => `${passengers} of ${seats} seats`,
  people: (count) => (count === 1 ? '1 person' : `${count} people`),
  fromDayBefore: 'before today',
  way: (origin, destination) => `${origin} → ${destination}`,
  vehicleIs: (name, status, aboard) => `${name}, ${status}, ${aboard}`,

  rideOffered: 'Times are being offered.',
  rideConfirmed: (vehicle, earliest, latest) =>
    `${vehicle} picks up between ${earliest} and ${latest}.`,
  rideLate: (seconds) => `Expected about ${minutes(seconds)} min later than promised.`,
  rideOnBoard: (vehicle, latest) => `On board ${vehicle}, there by ${latest}.`,
  rideCompleted: (vehicle) => `Arrived with ${vehicle}.`,
  rideEnded: {
    cancelled: 'Was cancelled.',
    no_show: 'Did not come to the stop.',
    expired: 'The offer ran out.',
    released: 'The offer was withdrawn.',
    broken: 'Could not be carried.',
  },

  callKind: { pickup: 'Pickup', dropoff: 'Drop-off', break: 'Break' },
  callIs: (time, place, kind, done) =>
    `${time} ${kind}${place && ' at '}${place}${done ? ' (done)' : ''}`,
  breakIs: (from, to) => `${from}–${to} Break`,
  promisedBetween: (earliest, latest) => `promised ${earliest}–${latest}`,
  promisedBy: (latest) => `promised by ${latest}`,
  verdict: {
    kept: 'in time',
    tight: 'only just in time',
    late: 'later than promised',
  },
  wasKept: 'promise kept',
  wasLate: 'later than promised',
};

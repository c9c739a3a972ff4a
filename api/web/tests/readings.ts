// A reading of a small town, for tests; each says what is different in its own.

import type { Call, Live, Ride, Vehicle } from '../src/shared/client';

const DAY = '2026-06-09';

export function at(clock: string): string {
  return `${DAY}T${clock}:00+09:00`;
}

export function aCall(change: Partial<Call> = {}): Call {
  return {
    kind: 'pickup',
    booking_id: 'bkg_1',
    place: { name: '病院', is_stop: true, lat: 31.35, lon: 130.95 },
    starts_at: at('10:10'),
    ends_at: at('10:12'),
    promised_earliest: at('10:05'),
    promised_latest: at('10:20'),
    verdict: 'kept',
    ...change,
  };
}

export function aVehicle(change: Partial<Vehicle> = {}): Vehicle {
  return {
    number: 1,
    route_id: 'rte_1',
    vehicle_id: 'car1',
    name: '1号車（ワゴン）',
    status: 'standing',
    capacity: { seats: 8 },
    passengers: 2,
    shift_starts: at('09:00'),
    shift_ends: at('17:00'),
    position: null,
    standing: { name: '役場', is_stop: true, lat: 0, lon: 0 },
    drive: null,
    ahead: [],
    done: [],
    calls: [],
    ...change,
  };
}

export function aRide(change: Partial<Ride> = {}): Ride {
  return {
    id: 'bkg_1',
    asked_at: at('09:30'),
    state: 'confirmed',
    channel: 'phone',
    passengers: 1,
    origin: { name: '寺町', is_stop: false, lat: 31.3, lon: 130.9 },
    destination: { name: '病院', is_stop: true, lat: 31.35, lon: 130.95 },
    vehicle_number: 1,
    pickup_earliest: at('10:05'),
    pickup_latest: at('10:20'),
    arrive_latest: at('10:40'),
    late_seconds: 0,
    refusal: null,
    ...change,
  };
}

export function aReading(change: Partial<Live> = {}): Live {
  return {
    day: DAY,
    now: at('10:00'),
    event_number: 10,
    town: { id: 'town', name_ja: '肝付町', name_en: 'Kimotsuki', zone: 'Asia/Tokyo' },
    clock: null,
    opens: at('09:00'),
    closes: at('17:00'),
    vehicles: [aVehicle()],
    requests: [],
    figures: {
      asked: 0,
      booked: 0,
      refused: 0,
      completed: 0,
      on_board: 0,
      promises_kept: 0,
      promises_late: 0,
      promises_broken: 0,
      mean_wait_seconds: null,
      shared_share: null,
      vehicle_metres: 0,
    },
    alerts: [],
    ...change,
  };
}

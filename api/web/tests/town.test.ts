import { describe, expect, test } from 'vitest';
import { ServiceClock } from '../src/live/clock.svelte';
import { newer } from '../src/live/town.svelte';
import { Way } from '../src/live/whereabouts';
import { momentOf } from '../src/shared/time';
import { at, aReading, aVehicle } from './readings';

describe('which reading is shown', () => {
  test('the first one, and each that is as new', () => {
    const [first, same] = [aReading(), aReading()];
    expect(newer(null, first)).toBe(first);
    expect(newer(first, same)).toBe(same);
  });

  test('not one that was overtaken on its way', () => {
    const [known, late] = [aReading({ event_number: 12 }), aReading({ event_number: 11 })];
    expect(newer(known, late)).toBe(known);
  });

  test('another day’s, whatever its number', () => {
    const known = aReading({ event_number: 12 });
    const tomorrow = aReading({ event_number: 3, day: '2026-06-10' });
    expect(newer(known, tomorrow)).toBe(tomorrow);
  });
});

describe('the service’s clock', () => {
  const demo = (clock: string, speed: number, paused = false): ReturnType<typeof aReading> =>
    aReading({ clock: { now: at(clock), speed, paused } });

  test('runs on between readings, at its own speed', () => {
    let wall = 0;
    const clock = new ServiceClock(() => wall);
    clock.set(demo('10:00', 60));
    wall = 1000;
    expect(clock.now()).toBe(momentOf(at('10:01')));
  });

  test('stands while it is held', () => {
    let wall = 0;
    const clock = new ServiceClock(() => wall);
    clock.set(demo('10:00', 60, true));
    wall = 5000;
    expect(clock.now()).toBe(momentOf(at('10:00')));
  });

  test('never steps back for an answer that was slow, but does for another day', () => {
    let wall = 0;
    const clock = new ServiceClock(() => wall);
    clock.set(aReading({ now: at('10:00') }));
    wall = 1500;
    const shown = clock.now();
    clock.set(aReading({ now: at('10:00') }));
    expect(clock.now()).toBe(shown);
    clock.set(aReading({ now: at('09:00') }));
    expect(clock.now()).toBe(momentOf(at('09:00')));
  });
});

describe('where a vehicle is', () => {
  const line: [number, number][] = [
    [0, 0],
    [0.02, 0],
  ];
  const drive = { leaves_at: at('10:00'), arrives_at: at('10:10'), line };

  test('half way along its line at half time, and heading along it', () => {
    const where = new Way(aVehicle({ status: 'driving', drive })).at(momentOf(at('10:05')));
    expect(where?.spot[0]).toBeCloseTo(0.01);
    expect(where?.heading).toBeCloseTo(90);
  });

  test('from where its tablet reported it, evenly to the end', () => {
    const position = { lat: 0.0001, lon: 0.015, at: at('10:05') };
    const way = new Way(aVehicle({ status: 'driving', drive, position }));
    expect(way.at(momentOf(at('10:05')))?.spot[0]).toBeCloseTo(0.015);
    expect(way.at(momentOf(at('10:07')) + 30_000)?.spot[0]).toBeCloseTo(0.0175);
  });

  test('by the timetable where the report is of another road', () => {
    const position = { lat: 1, lon: 1, at: at('10:05') };
    const way = new Way(aVehicle({ status: 'driving', drive, position }));
    expect(way.at(momentOf(at('10:05')))?.spot[0]).toBeCloseTo(0.01);
  });

  test('at the end of its line when it is overdue, and no longer heading anywhere', () => {
    const where = new Way(aVehicle({ status: 'driving', drive })).at(momentOf(at('11:00')));
    expect(where).toEqual({ spot: [0.02, 0], heading: null });
  });

  test('at its place while it stands; nowhere where nobody may know', () => {
    expect(new Way(aVehicle()).at(0)).toEqual({ spot: [0, 0], heading: null });
    const hidden = { name: '高山', is_stop: false, lat: null, lon: null };
    expect(new Way(aVehicle({ standing: hidden })).at(0)).toBeNull();
  });
});

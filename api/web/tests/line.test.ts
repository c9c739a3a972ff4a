import { describe, expect, test } from 'vitest';
import { Line } from '../src/shared/line';

/** A kilometre east, then a kilometre north, near the equator. */
const KM = 1000 / 111_320;
const corner = new Line([
  [0, 0],
  [KM, 0],
  [KM, KM],
]);

describe('a line along roads', () => {
  test('is as long as its parts', () => {
    expect(corner.metres).toBeCloseTo(2000, 0);
  });

  test('is where one has come to after so many metres, around the corner too', () => {
    expect(corner.at(500)?.[0]).toBeCloseTo(KM / 2);
    expect(corner.at(500)?.[1]).toBeCloseTo(0);
    expect(corner.at(1500)?.[0]).toBeCloseTo(KM);
    expect(corner.at(1500)?.[1]).toBeCloseTo(KM / 2);
  });

  test('ends at its ends, however far one asks', () => {
    expect(corner.at(-5)).toEqual([0, 0]);
    expect(corner.at(9999)).toEqual([KM, KM]);
  });

  test('runs east, then north', () => {
    expect(corner.headingAt(500)).toBeCloseTo(90);
    expect(corner.headingAt(1500)).toBeCloseTo(0);
  });

  test('leaves what is still to be driven', () => {
    const rest = corner.part(1500);
    expect(rest).toHaveLength(2);
    expect(rest[0]?.[1]).toBeCloseTo(KM / 2);
    expect(rest[1]).toEqual([KM, KM]);
  });

  test('gives the part between two calls with the corner between them', () => {
    expect(corner.part(500, 1500)).toHaveLength(3);
    expect(corner.part(1500, 500)).toEqual([]);
  });

  test('finds where a report beside the road belongs', () => {
    const { along, apart } = corner.nearest([KM / 2, KM / 100]);
    expect(along).toBeCloseTo(500, 0);
    expect(apart).toBeCloseTo(10, 0);
  });

  test('finds the second passing of a place where the first lies behind', () => {
    const back = new Line([
      [0, 0],
      [KM, 0],
      [0, 0],
    ]);
    expect(back.nearest([0, 0]).along).toBe(0);
    expect(back.nearest([0, 0], 100).along).toBeCloseTo(2000, 0);
  });

  test('of one spot or none has no way and no direction', () => {
    expect(new Line([[1, 2]]).at(10)).toEqual([1, 2]);
    expect(new Line([[1, 2]]).headingAt(0)).toBeNull();
    expect(new Line([]).at(0)).toBeNull();
    expect(new Line([]).part(0)).toEqual([]);
  });
});

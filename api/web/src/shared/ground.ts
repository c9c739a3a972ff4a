// Shapes that the base map is drawn with and that follow from its own: what lies beyond the town,
// the fading edge of the ground, a point for each district's name.
// See: docs/web.md

import type { BaseMap } from './client';

/** The ground fades away over so many degrees inside its bounds, in so many steps. */
const FADE_DEGREES = 0.03;
const FADES = 12;
const WORLD_DEGREES = 3;

/** The corners of the map's bounds, pushed out by so many degrees. */
function frame(base: BaseMap, out: number): number[][] {
  const [west, south, east, north] = base.bounds;
  return [
    [west - out, south - out],
    [east + out, south - out],
    [east + out, north + out],
    [west - out, north + out],
    [west - out, south - out],
  ];
}

/** Where the ground ends: frames upon frames, so that it fades away. */
export function edges(base: BaseMap): GeoJSON.FeatureCollection {
  const world = frame(base, WORLD_DEGREES);
  const features = Array.from({ length: FADES }, (_, i) => {
    const coordinates = [world, frame(base, -(i * FADE_DEGREES) / FADES)];
    const geometry = { type: 'Polygon' as const, coordinates };
    return { type: 'Feature' as const, properties: {}, geometry };
  });
  return { type: 'FeatureCollection', features };
}

/** Everything that is not of the town is laid under a veil. */
export function beyond(base: BaseMap): GeoJSON.Feature {
  const world = frame(base, WORLD_DEGREES);
  const shapes = base.areas.features as unknown as GeoJSON.Feature<GeoJSON.MultiPolygon>[];
  const holes = shapes.flatMap((area) => area.geometry.coordinates.map((polygon) => polygon[0]));
  const coordinates = [world, ...holes.filter((hole) => hole !== undefined)];
  return { type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates } };
}

/** A point a district for its name: the middle of its largest part. */
export function districts(base: BaseMap): GeoJSON.FeatureCollection {
  const shapes = base.areas.features as unknown as GeoJSON.Feature<GeoJSON.MultiPolygon>[];
  const features = shapes.map((area) => {
    const rings = area.geometry.coordinates.map((polygon) => polygon[0] ?? []);
    const largest = rings.reduce((one, two) => (two.length > one.length ? two : one), []);
    const middle = (axis: 0 | 1): number => {
      const values = largest.map((spot) => spot[axis] ?? 0);
      return (Math.min(...values) + Math.max(...values)) / 2;
    };
    const geometry = { type: 'Point' as const, coordinates: [middle(0), middle(1)] };
    return { type: 'Feature' as const, properties: area.properties, geometry };
  });
  return { type: 'FeatureCollection', features };
}

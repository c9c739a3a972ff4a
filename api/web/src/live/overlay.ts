// What the live town draws upon the base map: the ways ahead and the calls to be made.
// See: docs/web.md

import type { GeoJSONSource, LayerSpecification, Map as DrawnMap } from 'maplibre-gl';
import { resolvedColour } from '../shared/basemap';
import type { Vehicle } from '../shared/client';
import { MINUTE, momentOf, type Moment } from '../shared/time';
import type { Way } from './whereabouts';

/** So far ahead the map shows what a vehicle will do; the timeline shows the whole day. */
export const AHEAD = 60 * MINUTE;
const COLOURS = 8;

/** West, south, east, north. */
export type Bounds = [number, number, number, number];

const BELOW = 'stop-names';
const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };

const faded = (strength: number): unknown[] => ['case', ['get', 'faded'], 0.12, strength];

function layers(): LayerSpecification[] {
  const round = { 'line-cap': 'round', 'line-join': 'round' } as const;
  const colour = ['get', 'colour'];
  const edge = resolvedColour('--map-halo');
  const later = ['==', ['get', 'part'], 'later'];
  const now = ['==', ['get', 'part'], 'now'];
  return [
    {
      id: 'ways-later',
      type: 'line',
      source: 'ways',
      filter: later,
      layout: round,
      paint: {
        'line-color': colour,
        'line-width': 2.5,
        'line-opacity': faded(0.75),
        'line-dasharray': [0.2, 2],
      },
    },
    {
      id: 'ways-edge',
      type: 'line',
      source: 'ways',
      filter: now,
      layout: round,
      paint: { 'line-color': edge, 'line-width': 9, 'line-opacity': faded(1) },
    },
    {
      id: 'ways-now',
      type: 'line',
      source: 'ways',
      filter: now,
      layout: round,
      paint: { 'line-color': colour, 'line-width': 5, 'line-opacity': faded(1) },
    },
    {
      id: 'calls',
      type: 'circle',
      source: 'calls',
      paint: {
        'circle-radius': 5,
        'circle-color': ['case', ['get', 'pickup'], colour, edge],
        'circle-stroke-color': colour,
        'circle-stroke-width': 2.5,
        'circle-opacity': faded(1),
        'circle-stroke-opacity': faded(1),
      },
    },
  ] as LayerSpecification[];
}

/** All that is drawn of the vehicles: where they are and will be; null where there is none. */
export function boundsOf(ways: readonly Way[], moment: Moment): Bounds | null {
  const spots = ways.flatMap((way) => {
    const { now, later } = way.aheadAt(moment, moment + AHEAD);
    const here = way.at(moment);
    return [...now, ...later, ...(here ? [here.spot] : [])];
  });
  if (spots.length < 2) return null;
  const [east, north] = [spots.map(([lon]) => lon), spots.map(([, lat]) => lat)];
  return [Math.min(...east), Math.min(...north), Math.max(...east), Math.max(...north)];
}

export class Overlay {
  readonly #map: DrawnMap;
  #colours: string[] = [];

  constructor(map: DrawnMap) {
    this.#map = map;
    for (const id of ['ways', 'calls']) map.addSource(id, { type: 'geojson', data: EMPTY });
    for (const layer of layers()) map.addLayer(layer, BELOW);
    this.takeColours();
  }

  /** Take the colours of the present theme. */
  takeColours(): void {
    this.#colours = Array.from({ length: COLOURS }, (_, i) => resolvedColour(`--vehicle-${i + 1}`));
    for (const { id, paint } of layers()) {
      for (const [name, value] of Object.entries(paint ?? {})) {
        this.#map.setPaintProperty(id, name as never, value as never);
      }
    }
  }

  /** Draw the ways from where the vehicles are; `picked` is the one that is looked at, if any. */
  drawWays(ways: [Vehicle, Way][], moment: Moment, picked: string | null): void {
    const features = ways.flatMap(([vehicle, way]) => {
      const ahead = way.aheadAt(moment, moment + AHEAD);
      return (['later', 'now'] as const).map((part) => ({
        type: 'Feature' as const,
        properties: { ...this.#about(vehicle, picked), part },
        geometry: { type: 'LineString' as const, coordinates: ahead[part].map(([lon, lat]) => [lon, lat]) },
      }));
    });
    this.#put('ways', features.filter((each) => each.geometry.coordinates.length > 1));
  }

  /** Draw the calls that the vehicles will make within the hour. */
  drawCalls(vehicles: Vehicle[], moment: Moment, picked: string | null): void {
    const features = vehicles.flatMap((vehicle) =>
      vehicle.calls.flatMap((call) => {
        const { lat, lon } = call.place ?? {};
        if (lat == null || lon == null || momentOf(call.starts_at) > moment + AHEAD) return [];
        const about = { ...this.#about(vehicle, picked), pickup: call.kind === 'pickup' };
        const geometry = { type: 'Point' as const, coordinates: [lon, lat] };
        return [{ type: 'Feature' as const, properties: about, geometry }];
      }),
    );
    this.#put('calls', features);
  }

  #about(vehicle: Vehicle, picked: string | null): { colour: string; faded: boolean } {
    return {
      colour: this.#colours[(vehicle.number - 1) % COLOURS] ?? 'grey',
      faded: picked !== null && picked !== vehicle.route_id,
    };
  }

  #put(source: string, features: GeoJSON.Feature[]): void {
    this.#map.getSource<GeoJSONSource>(source)?.setData({ type: 'FeatureCollection', features });
  }
}
